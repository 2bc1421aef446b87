using MantaLight.Partitioning;

namespace MantaLight.Tests.Partitioning;

public sealed class PartitionSpecTests
{
    [Theory]
    [InlineData("iid")]
    [InlineData("non-iid-1")]
    [InlineData("non-iid-10")]
    [InlineData("classes:40")]
    [InlineData("dirichlet:0.5")]
    [InlineData("hsu:0.1")]
    [InlineData("shards:2")]
    [InlineData("sizes:0.5")]
    [InlineData("power:1.5")]
    [InlineData("key:hospital")]
    [InlineData("dirichlet:0.5+noise:0.1")]
    [InlineData("iid+rotate:360+noise:0.1+min:20")]
    public void A_partition_is_written_as_it_is_read(string text)
    {
        var spec = PartitionSpec.Parse(text);
        Assert.Equal(text, spec.ToString());
        Assert.Equal(spec, PartitionSpec.Parse(text));
    }

    [Theory]
    [InlineData("classes:2", "non-iid-2")]
    [InlineData("noise:0.1", "iid+noise:0.1")]
    [InlineData("min:5", "iid+min:5")]
    public void What_may_be_left_out_or_said_otherwise_is_written_in_one_way(string text, string written) => Assert.Equal(written, PartitionSpec.Parse(text).ToString());

    [Fact]
    public void Parts_are_what_they_say()
    {
        var spec = PartitionSpec.Parse("hsu:0.1+noise:0.2+rotate:90+min:3");
        Assert.Equal(new PartitionScheme.Mixture(0.1), spec.Scheme);
        Assert.Equal([new FeatureSkew.Noise(0.2), new FeatureSkew.Rotation(90)], spec.Skews);
        Assert.Equal(3, spec.Minimum);
        Assert.NotEqual(spec, PartitionSpec.Parse("hsu:0.1+rotate:90+noise:0.2+min:3"));
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("")]
    [InlineData("IID")]
    [InlineData("non-iid-0")]
    [InlineData("non-iid-11")]
    [InlineData("non-iid--1")]
    [InlineData("non-iid-")]
    [InlineData("non-iid-2.5")]
    [InlineData("classes:0")]
    [InlineData("classes:1001")]
    [InlineData("dirichlet:-1")]
    [InlineData("dirichlet:0")]
    [InlineData("dirichlet:NaN")]
    [InlineData("dirichlet:Infinity")]
    [InlineData("dirichlet:x")]
    [InlineData("shards:1.5")]
    [InlineData("hsu:0")]
    [InlineData("key:")]
    [InlineData("iid+")]
    [InlineData("iid+iid")]
    [InlineData("iid+noise:0")]
    [InlineData("iid+rotate:361")]
    [InlineData("iid+min:0")]
    [InlineData("iid+min:2+min:3")]
    public void A_partition_that_cannot_be_is_answered_by_what_can(string text)
    {
        Assert.False(PartitionSpec.TryParse(text, out _));
        var refusal = Assert.Throws<InvalidSettingException>(() => PartitionSpec.Parse(text));
        Assert.Contains($"'{text}'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("iid, non-iid-K", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dirichlt:0.5", "did you mean 'dirichlet'?")]
    [InlineData("iid+nois:0.5", "'nois:0.5' is none of its parts (did you mean 'noise'?)")]
    [InlineData("noise:0.1+iid", "'iid' says who gets which samples, and stands first")]
    public void A_mistake_is_named(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidSettingException>(() => PartitionSpec.Parse(text)).Message, StringComparison.Ordinal);
}

using System.Text;
using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

public sealed class TopicNameTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(1_000_000_000)]
    [InlineData(int.MaxValue - 1)]
    public void A_text_and_a_number_are_the_topic_that_they_make(int number)
    {
        var (parted, whole) = (new TopicName("a/ü", number), new TopicName($"a/ü/{number}"));
        Assert.Equal(whole, parted);
        Assert.Equal(whole.GetHashCode(), parted.GetHashCode());
        foreach (var name in new[] { parted, whole })
        {
            Assert.True(name.TrySplit(out var parent, out var last));
            Assert.Equal("a/ü", parent.ToString());
            Assert.Equal(number, last);
            var bytes = new byte[name.ByteCount];
            Assert.Equal(bytes.Length, name.WriteTo(bytes));
            Assert.Equal($"a/ü/{number}", Encoding.UTF8.GetString(bytes));
            Assert.Equal($"a/ü/{number}", name.Text);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("a/b")]
    [InlineData("a/")]
    [InlineData("a/-1")]
    [InlineData("a/+1")]
    [InlineData("a/12345678901")]
    public void What_has_no_number_in_its_last_level_is_not_taken_apart(string topic) => Assert.False(new TopicName(topic).TrySplit(out _, out _));

    [Fact]
    public void None_is_empty()
    {
        Assert.Equal("", default(TopicName).Text);
        Assert.Equal(0, default(TopicName).ByteCount);
        Assert.Equal("", default(BrokerMessage).Topic);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_number_that_cannot_be_is_refused(int number) => Assert.Throws<ArgumentOutOfRangeException>(() => new TopicName("a", number));

    [Theory]
    [InlineData("a/b/+", true)]
    [InlineData("a/b/17", true)]
    [InlineData("a/b/1", false)]
    [InlineData("a/b/170", false)]
    [InlineData("a/b", false)]
    [InlineData("a/+", false)]
    [InlineData("a/+/+", true)]
    [InlineData("a/+/+/+", false)]
    [InlineData("a/b/17/#", true)]
    [InlineData("a/#", true)]
    [InlineData("#", true)]
    public void Filters_take_it_as_the_whole(string filter, bool matches)
    {
        Assert.Equal(matches, TopicFilter.Matches(filter, new TopicName("a/b", 17)));
        Assert.Equal(matches, TopicFilter.Matches(filter, "a/b/17"));
    }
}

using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

public sealed class PartitionerTests
{
    private static readonly byte[] Labels = [.. Enumerable.Range(0, 6_000).Select(i => (byte)(i * 7919 % 6_000 % 10))];

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var nodes in new[] { 1, 2, 3, 5, 7, 10, 33, 100 })
            {
                foreach (var k in Enumerable.Range(1, 10))
                    cases.Add($"non-iid-{k}", nodes);
                foreach (var spec in new[] { "iid", "dirichlet:0.001", "dirichlet:0.5", "dirichlet:1000000", "shards:2", "sizes:0.3", "power:1.5" })
                    cases.Add(spec, nodes);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_sample_goes_to_one_node_and_no_node_stays_without(string spec, int nodes)
    {
        var parts = Split(spec, nodes);
        Assert.Equal(nodes, parts.Length);
        Assert.All(parts, part => Assert.NotEmpty(part));
        Assert.Equal(Enumerable.Range(0, Labels.Length), parts.SelectMany(p => p).Order());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_seed_decides(string spec, int nodes)
    {
        Assert.Equal(Split(spec, nodes), Split(spec, nodes));
        Assert.NotEqual(Split(spec, nodes), Split(spec, nodes, seed: 43));
    }

    [Fact]
    public void Shards_are_pieces_of_the_samples_in_order_of_class()
    {
        var parts = Split("shards:2", 20);
        Assert.All(parts, part => Assert.Equal(300, part.Length));
        // 40 pieces of 150, four of each class: each node sees two classes at most.
        Assert.All(parts, part => Assert.InRange(ClassesOf(part).Count, 1, 2));
        Assert.Contains(parts, part => ClassesOf(part).Count == 2);
    }

    [Fact]
    public void A_power_law_of_sizes_has_the_sizes_that_it_says_and_all_classes_everywhere()
    {
        var parts = Split("power:1", 4);
        // 1, 1/2, 1/3, 1/4 of 25/12.
        Assert.Equal([2880, 1440, 960, 720], parts.Select(p => p.Length).OrderDescending());
        Assert.All(parts, part => Assert.Equal(10, ClassesOf(part).Count));
    }

    [Fact]
    public void Sizes_by_dirichlet_are_the_more_uneven_the_smaller_alpha_is()
    {
        var (even, uneven) = (Split("sizes:1000", 10), Split("sizes:0.3", 10));
        Assert.InRange(even.Max(p => p.Length), 550, 700);
        Assert.True(uneven.Max(p => p.Length) > 1200);
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(10, 1)]
    [InlineData(7, 3)]
    [InlineData(33, 4)]
    [InlineData(100, 9)]
    [InlineData(3, 10)]
    public void Nodes_see_as_many_classes_as_asked_for_and_all_classes_are_seen_equally_often(int nodes, int k)
    {
        var classes = Split($"non-iid-{k}", nodes).Select(ClassesOf).ToArray();
        Assert.All(classes, c => Assert.Equal(k, c.Count));
        var holders = Enumerable.Range(0, 10).Select(c => classes.Count(held => held.Contains((byte)c))).ToArray();
        Assert.InRange(holders.Max() - holders.Min(), 0, 1);
    }

    [Theory]
    [InlineData(2, 2, 5)]
    [InlineData(3, 2, 4)]
    [InlineData(1, 1, 10)]
    public void Nodes_too_few_for_all_classes_see_more_of_them(int nodes, int k, int most) =>
        Assert.Equal(most, Split($"non-iid-{k}", nodes).Max(p => ClassesOf(p).Count));

    [Fact]
    public void Equal_shares_are_equal_and_mixed()
    {
        var parts = Split("iid", 7);
        Assert.InRange(parts.Max(p => p.Length) - parts.Min(p => p.Length), 0, 1);
        Assert.All(parts, p => Assert.Equal(10, ClassesOf(p).Count));
    }

    [Fact]
    public void A_smaller_alpha_is_less_even()
    {
        Assert.InRange(LargestShare("dirichlet:1000000"), 0.09, 0.11);
        Assert.InRange(LargestShare("dirichlet:1"), 0.15, 0.6);
        Assert.InRange(LargestShare("dirichlet:0.001"), 0.95, 1);

        // The mean, over the classes, of the largest share that one of ten nodes has.
        static double LargestShare(string spec)
        {
            var parts = Split(spec, 10);
            return Enumerable.Range(0, 10).Average(c => parts.Max(p => p.Count(i => Labels[i] == c)) / 600.0);
        }
    }

    [Fact]
    public void More_nodes_than_samples_are_refused() =>
        Assert.Contains("6,001 nodes", Assert.Throws<InvalidSettingException>(() => Split("iid", 6_001)).Message, StringComparison.Ordinal);

    [Fact]
    public void Gamma_numbers_have_their_mean_and_variance()
    {
        foreach (var shape in new[] { 0.3, 1, 4.5 })
        {
            var random = new SeededRandom(1, 1);
            double[] numbers = [.. Enumerable.Range(0, 200_000).Select(_ => Math.Exp(random.NextLogGamma(shape)))];
            var mean = numbers.Average();
            Assert.Equal(shape, mean, 0.03);
            Assert.Equal(shape, numbers.Average(x => (x - mean) * (x - mean)), shape * 0.05);
        }
    }

    [Theory]
    [InlineData("iid")]
    [InlineData("non-iid-1")]
    [InlineData("non-iid-10")]
    [InlineData("dirichlet:0.5")]
    public void A_partition_is_written_as_it_is_read(string text) => Assert.Equal(text, PartitionSpec.Parse(text).ToString());

    [Theory]
    [InlineData("foo")]
    [InlineData("")]
    [InlineData("IID")]
    [InlineData("non-iid-0")]
    [InlineData("non-iid-11")]
    [InlineData("non-iid--1")]
    [InlineData("non-iid-")]
    [InlineData("non-iid-2.5")]
    [InlineData("dirichlet:-1")]
    [InlineData("dirichlet:0")]
    [InlineData("dirichlet:NaN")]
    [InlineData("dirichlet:Infinity")]
    [InlineData("dirichlet:x")]
    public void A_partition_that_cannot_be_is_answered_by_what_can(string text)
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => PartitionSpec.Parse(text));
        Assert.Contains($"'{text}'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("iid, non-iid-K", refusal.Message, StringComparison.Ordinal);
    }

    private static int[][] Split(string spec, int nodes, ulong seed = 42) =>
        Partitioner.Split(Labels, nodes, PartitionSpec.Parse(spec), new SeededRandom(seed, 1));

    private static HashSet<byte> ClassesOf(int[] part) => [.. part.Select(i => Labels[i])];
}

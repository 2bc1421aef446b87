using MantaLight.Partitioning;

namespace MantaLight.Tests.Partitioning;

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
                foreach (var spec in new[] { "iid", "dirichlet:0.001", "dirichlet:0.5", "dirichlet:1000000", "hsu:0.01", "hsu:1", "hsu:1000000", "shards:2", "sizes:0.3", "power:1.5" })
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

    [Fact]
    public void A_mixture_gives_all_nodes_as_many_samples_and_its_own_classes()
    {
        var parts = Split("hsu:0.05", 10);
        Assert.All(parts, part => Assert.Equal(600, part.Length));
        // q ~ Dir(0.005, …, 0.005): nearly all of it is one class.
        Assert.True(Median(parts.Select(LargestShare)) > 0.9);
        Assert.InRange(Median(Split("hsu:1000000", 10).Select(LargestShare)), 0.1, 0.14);

        static double LargestShare(int[] part) => part.GroupBy(i => Labels[i]).Max(g => g.Count()) / (double)part.Length;
        static double Median(IEnumerable<double> numbers) => numbers.Order().ElementAt(4);
    }

    [Fact]
    public void A_mixture_follows_the_shares_that_classes_have_of_all_samples()
    {
        // Nine of ten are of class 0.
        int[] labels = [.. Enumerable.Range(0, 10_000).Select(i => i % 10 == 0 ? 1 : 0)];
        var parts = Partitioner.Split<int>(labels, 200, PartitionSpec.Parse("hsu:5"), seed: 3);
        // q_0 ~ Beta(4.5, 0.5), of variance 0.9 x 0.1 / 6, and 50 draws of it: a variance of 0.09 (1/6 + 5/6/50). Those who draw last take what is left, and are not looked at.
        double[] shares = [.. parts.Take(100).Select(p => p.Count(i => labels[i] == 0) / 50.0)];
        Assert.Equal(0.9, shares.Average(), 0.04);
        Assert.Equal(0.0165, shares.Average(s => (s - shares.Average()) * (s - shares.Average())), 0.007);
    }

    [Fact]
    public void Proportions_of_a_class_have_the_mean_and_variance_of_the_Dirichlet_distribution()
    {
        // 400 classes of 1,000 over 4 nodes, alpha 2: mean 1/4, variance (1/4)(3/4)/(4 x 2 + 1).
        int[] labels = [.. Enumerable.Range(0, 400_000).Select(i => i % 400)];
        var shares = Partitioner.Split<int>(labels, 4, PartitionSpec.Parse("dirichlet:2"), seed: 1)[0].GroupBy(i => labels[i]).Select(g => g.Count() / 1000.0).ToList();
        shares.AddRange(Enumerable.Repeat(0.0, 400 - shares.Count));
        Assert.Equal(0.25, shares.Average(), 0.02);
        Assert.Equal(0.1875 / 9, shares.Average(s => (s - shares.Average()) * (s - shares.Average())), 0.004);
    }

    [Theory]
    [InlineData("dirichlet:0.01")]
    [InlineData("sizes:0.05")]
    [InlineData("power:3")]
    [InlineData("shards:1")]
    [InlineData("iid")]
    [InlineData("hsu:0.01")]
    public void A_minimum_is_kept_and_every_sample_still_goes_to_one_node(string scheme)
    {
        var parts = Split($"{scheme}+min:50", 20);
        Assert.All(parts, part => Assert.True(part.Length >= 50));
        Partitioner.Check(parts, Labels.Length, 50);
    }

    [Fact]
    public void A_minimum_that_cannot_be_is_refused()
    {
        Assert.Contains("too few for 400 on each of 20 nodes", Assert.Throws<InvalidSettingException>(() => Split("iid+min:400", 20)).Message, StringComparison.Ordinal);
        // Of ten classes of 600 over 21 nodes one is seen by three, who cannot have more than 200 without another class.
        Assert.Contains("would have 200, and 250 is the least", Assert.Throws<InvalidSettingException>(() => Split("non-iid-1+min:250", 21)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_keeps_together_what_has_the_same_value_in_the_order_of_the_values()
    {
        string[] hospitals = ["south", "north", "south", "Ärzte", "north", "south"];
        var parts = Partitioner.Split<string>(hospitals, 3, PartitionSpec.Parse("key:hospital"), seed: 1);
        // In the order of characters, which is the same everywhere.
        Assert.Equal(new int[][] { [1, 4], [0, 2, 5], [3] }, parts.Select(p => p.Order().ToArray()));
    }

    [Fact]
    public void Fewer_nodes_than_values_have_groups_of_them_the_largest_first_to_where_there_is_least()
    {
        // Values 0 to 4 with 6, 5, 4, 2 and 1 samples over two nodes: 6 | 5, then 4 to the second, 2 and 1 to the first.
        int[] keys = [.. new[] { 6, 5, 4, 2, 1 }.SelectMany((count, key) => Enumerable.Repeat(key, count))];
        var parts = Partitioner.Split<int>(keys, 2, PartitionSpec.Parse("key:writer"), seed: 1);
        Assert.Equal([0, 3, 4], parts[0].Select(i => keys[i]).Distinct().Order());
        Assert.Equal([1, 2], parts[1].Select(i => keys[i]).Distinct().Order());
        Assert.Equal(5, Partitioner.CountValues<int>(keys));
    }

    [Fact]
    public void More_nodes_than_a_column_has_values_are_refused() => Assert.Contains(
        "'writer' has 2 different values", Assert.Throws<InvalidSettingException>(() => Partitioner.Split<int>([1, 2, 1, 2], 3, PartitionSpec.Parse("key:writer"), seed: 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_partition_that_loses_doubles_or_invents_a_sample_is_told_by_it()
    {
        Partitioner.Check([[2, 0], [1]], 3);
        Refused("Sample 1 is in no part", [[2, 0], []], minimum: 0);
        Refused("Sample 0 is in part 0 and in part 1", [[2, 0], [1, 0]]);
        Refused("Sample 1 is in part 1 and in part 1", [[2, 0], [1, 1]]);
        Refused("Part 1 has sample 3", [[2, 0], [1, 3]]);
        Refused("Part 0 has 1 samples; 2 is the least", [[2], [1, 0]], minimum: 2);

        static void Refused(string why, int[][] parts, int minimum = 1) =>
            Assert.Contains(why, Assert.Throws<DatasetException>(() => Partitioner.Check(parts, 3, minimum)).Message, StringComparison.Ordinal);
    }

    private static int[][] Split(string spec, int nodes, ulong seed = 42) =>
        Partitioner.Split<byte>(Labels, nodes, PartitionSpec.Parse(spec), new SeededRandom(seed, 1));

    private static HashSet<byte> ClassesOf(int[] part) => [.. part.Select(i => Labels[i])];
}

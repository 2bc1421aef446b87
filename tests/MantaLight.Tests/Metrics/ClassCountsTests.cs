using MantaLight.Metrics;
using MantaLight.Tasks;

namespace MantaLight.Tests.Metrics;

public sealed class ClassCountsTests
{
    // Three classes: 5 of the first (3 right, 1 taken for each other), 3 of the second (2 right), 2 of the third (both taken for the first).
    private static readonly ClassCounts Three = ClassCounts.OfConfusion([[3, 1, 1], [0, 2, 1], [2, 0, 0]]);

    [Fact]
    public void Precision_recall_and_f1_are_those_worked_out_by_hand()
    {
        Assert.Equal((10, 5), (Three.Samples, Three.Correct));
        Assert.Equal((3, 2, 2), (Three.TruePositives(0), Three.FalsePositives(0), Three.FalseNegatives(0)));
        Assert.Equal([3 / 5.0, 2 / 3.0, 0], Classes(Three.Precision));
        Assert.Equal([3 / 5.0, 2 / 3.0, 0], Classes(Three.Recall));
        Assert.Equal([6 / 10.0, 4 / 6.0, 0], Classes(Three.F1));
        Assert.Equal((0.6 + (2 / 3.0)) / 3, Three.MacroF1, 15);
        Assert.Equal(0.5, Three.MicroF1);
    }

    [Fact]
    public void Counts_class_by_class_say_the_same_as_the_confusion_matrix()
    {
        var counts = ClassCounts.Of([5, 3, 2], [5, 3, 2], [3, 2, 0]);

        Assert.Null(counts.Confusion);
        Assert.Equal(Classes(Three.F1), Classes(counts.F1));
        Assert.Equal((Three.MacroPrecision, Three.MacroRecall, Three.MacroF1, Three.MicroF1), (counts.MacroPrecision, counts.MacroRecall, counts.MacroF1, counts.MicroF1));
    }

    [Fact]
    public void A_class_that_neither_is_there_nor_was_guessed_does_not_count_in_a_macro_average() =>
        Assert.Equal(1, ClassCounts.OfConfusion([[4, 0, 0], [0, 6, 0], [0, 0, 0]]).MacroF1);

    [Fact]
    public void The_precision_of_two_nodes_together_is_not_the_mean_of_theirs()
    {
        var one = ClassCounts.OfConfusion([[9, 0], [1, 0]]);
        var other = ClassCounts.OfConfusion([[0, 0], [10, 0]]);
        var both = one.Add(other);

        Assert.Equal(9 / 20.0, both.Precision(0));
        Assert.Equal((0.9 + 0) / 2, (one.Precision(0) + other.Precision(0)) / 2);
        Assert.Equal([9, 0], both.Confusion![0]);
        Assert.Equal([11, 0], both.Confusion[1]);
    }

    [Fact]
    public void A_report_can_be_read_back()
    {
        foreach (var counts in (ClassCounts[])[Three, ClassCounts.Of([5, 3, 2], [4, 4, 2], [3, 2, 0])])
        {
            var read = ClassReport.Read(TaskJson.Write(ClassReport.Of(counts)))!;

            Assert.Equal(Classes(counts.F1), Classes(read.F1));
            Assert.Equal(counts.Confusion is null, read.Confusion is null);
        }
    }

    [Theory]
    [InlineData("""{"classes":2,"true_positives":[1],"false_positives":[0,0],"false_negatives":[0,0]}""")]
    [InlineData("""{"classes":2,"true_positives":[1,-1],"false_positives":[0,0],"false_negatives":[0,0]}""")]
    [InlineData("""{"classes":2,"true_positives":[1,1],"false_positives":[0,9],"false_negatives":[0,0]}""")]
    [InlineData("""{"classes":2,"true_positives":[9223372036854775807,1],"false_positives":[0,0],"false_negatives":[0,0]}""")]
    [InlineData("""{"classes":2,"true_positives":[1,1],"false_positives":[0,0],"false_negatives":[0,0],"confusion":[[1,0],[1]]}""")]
    [InlineData("""{"classes":0,"true_positives":[],"false_positives":[],"false_negatives":[]}""")]
    [InlineData("""{"classes":2,"true_positives":null,"false_positives":[0,0],"false_negatives":[0,0]}""")]
    [InlineData("7")]
    public void What_cannot_be_counts_is_none(string json) => Assert.Null(ClassReport.Read(System.Text.Json.JsonElement.Parse(json)));

    [Fact]
    public void The_largest_confusion_matrix_stands_in_a_message_itself()
    {
        var row = Enumerable.Repeat(12_345L, ClassCounts.MaximumMatrix).ToArray();
        var report = TaskJson.Write(ClassReport.Of(ClassCounts.OfConfusion([.. Enumerable.Repeat(row, ClassCounts.MaximumMatrix)])));

        Assert.InRange(report.GetRawText().Length, 1, TaskJson.MaximumInline);
    }

    private static double[] Classes(Func<int, double> of) => [.. Enumerable.Range(0, 3).Select(of)];
}

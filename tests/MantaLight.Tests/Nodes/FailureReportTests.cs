using MantaLight.Nodes;
using MantaLight.Protocol;

namespace MantaLight.Tests.Nodes;

/// <summary>What is told of an attempt that has thrown.</summary>
public sealed class FailureReportTests
{
    [Fact]
    public void A_type_of_the_users_is_not_taken_for_an_end_that_means_something_to_the_runtime()
    {
        Assert.Equal("StoppingException", FailureReport.Of(new Stopping(), []).Error);
        Assert.Equal("DeadlinePassedException", FailureReport.Of(new DeadlinePassed(), []).Error);
        Assert.Equal("SpoiledException", FailureReport.Of(new Spoiled(), []).Error);
        Assert.Equal(nameof(InvalidOperationException), FailureReport.Of(new InvalidOperationException(), []).Error);
    }

    [Fact]
    public void What_would_fail_the_same_way_is_not_tried_again() => Assert.Equal(
        (false, true), (FailureReport.Of(new TaskContractException("no"), []).Retryable, FailureReport.Of(new InvalidOperationException(), []).Retryable));

    [Fact]
    public void A_message_without_end_is_cut() => Assert.Equal(2000, FailureReport.Of(new InvalidOperationException(new string('x', 5000)), []).Message.Length);

    private sealed class Stopping : Exception;

    private sealed class DeadlinePassed : Exception;

    private sealed class Spoiled : Exception;
}

using MantaLight.Aggregation;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>Rounds in which all who were asked drop out.</summary>
public sealed class EmptyRoundTests
{
    public static TheoryData<SwarmTask> Aggregators => [new FedAvg(), new Aggregate(), new FedNova(), new FedAdam()];

    [Theory]
    [MemberData(nameof(Aggregators))]
    public async Task The_model_stays_where_that_is_wanted(SwarmTask aggregator)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights("global_model_params", () => Of(Floats("w", 9)));

        await store.RunAsync(aggregator, new { WhenEmpty = "keep" });

        Assert.Empty(store.StagedGlobals);
        Assert.Equal("""{"participants":[],"participant_count":0,"samples":0,"refused":[],"refused_count":0}""", store.StagedResults["aggregation"].ToString());
    }

    [Theory]
    [MemberData(nameof(Aggregators))]
    public async Task It_is_a_fault_where_nothing_is_said_and_where_there_is_no_model_to_keep(SwarmTask aggregator)
    {
        await Assert.ThrowsAsync<TaskContractException>(() => new MemoryAttemptStore().WithGlobalWeights("global_model_params", () => Of(Floats("w", 9))).RunAsync(aggregator));
        await Assert.ThrowsAsync<TaskContractException>(() => new MemoryAttemptStore().RunAsync(aggregator, new { WhenEmpty = "keep" }));
    }
}

using MantaLight.Messaging;
using MantaLight.Shared;

namespace MantaLight.Tests.Messaging;

public sealed class SimulatedBrokerContractTests : BrokerConnectionContract
{
    protected override IBroker Broker { get; } = new SimulatedBroker();

    protected override Task CrashAsync(IBrokerConnection connection) => ((SimulatedBrokerConnection)connection).CrashAsync();
}

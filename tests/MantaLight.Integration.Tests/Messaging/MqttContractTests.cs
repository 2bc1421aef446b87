using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Mqtt.Connections;
using MantaLight.Shared;

namespace MantaLight.Integration.Tests.Messaging;

public abstract class MqttContractTests : BrokerConnectionContract
{
    protected override Task CrashAsync(IBrokerConnection connection) => ((MqttConnection)connection).CrashAsync();
}

public abstract class EmbeddedBrokerContractTests : MqttContractTests, IAsyncLifetime
{
    private readonly TestLoggers loggers = new();
    private EmbeddedBroker? embedded;
    private MqttBroker? broker;

    protected override IBroker Broker => broker!;

    public async ValueTask InitializeAsync()
    {
        embedded = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0, WebSocketPort = 0 }, loggers, TimeProvider.System, CancellationToken.None);
        broker = new MqttBroker(new MqttBrokerOptions { Uri = UriOf(embedded) });
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await embedded!.DisposeAsync();
        Assert.Empty(loggers.Errors);
        Assert.Equal(0, embedded.Counters.Dropped);
    }

    protected abstract Uri UriOf(EmbeddedBroker running);
}

public sealed class EmbeddedBrokerOverTcpContractTests : EmbeddedBrokerContractTests
{
    protected override Uri UriOf(EmbeddedBroker running) => running.Uri;
}

public sealed class EmbeddedBrokerOverWebSocketContractTests : EmbeddedBrokerContractTests
{
    protected override Uri UriOf(EmbeddedBroker running) => running.WebSocketUri!;
}

public sealed class MosquittoContractTests(MosquittoFixture mosquitto) : MqttContractTests, IClassFixture<MosquittoFixture>
{
    private MqttBroker? broker;

    protected override IBroker Broker => broker ??= new MqttBroker(new MqttBrokerOptions { Uri = mosquitto.Uri });

    protected override bool LetsQosZeroOvertake => true;
}

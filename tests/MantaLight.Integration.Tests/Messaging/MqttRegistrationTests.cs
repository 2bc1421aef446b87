using MantaLight.Messaging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace MantaLight.Integration.Tests.Messaging;

public sealed class MqttRegistrationTests
{
    [Fact]
    public async Task A_broker_is_set_up_from_a_section_and_then_from_code()
    {
        var section = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Broker:Uri"] = "mqtts://me:secret@broker.example",
            ["Broker:MaximumPacketSize"] = "20000",
        }).Build().GetSection("Broker");
        await using var fromSection = new ServiceCollection().AddMqttConnection(section: section).BuildServiceProvider();
        await using var fromBoth = new ServiceCollection().AddMqttConnection(options => options.Uri = new Uri("ws://other"), section).BuildServiceProvider();

        Assert.Equal("mqtts://broker.example:8883", fromSection.GetRequiredService<IBroker>().Description);
        Assert.Equal("ws://other:80/mqtt", fromBoth.GetRequiredService<IBroker>().Description);
    }

    [Fact]
    public async Task A_setting_out_of_its_range_is_said_at_the_first_use()
    {
        await using var services = new ServiceCollection().AddMqttConnection(options => options.MaximumPacketSize = 1).BuildServiceProvider();
        var problem = Assert.Throws<InvalidSettingException>(services.GetRequiredService<IBroker>);
        Assert.Contains("MaximumPacketSize is 1 bytes", problem.Message, StringComparison.Ordinal);
    }
}

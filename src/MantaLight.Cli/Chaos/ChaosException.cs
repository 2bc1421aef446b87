namespace MantaLight.Cli.Chaos;

/// <summary>The trial cannot go on: something did not recover, or could not be done to the swarm.</summary>
internal sealed class ChaosException(string message, Exception? inner = null) : MantaLightException(message, inner);

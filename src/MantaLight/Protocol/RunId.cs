using System.Globalization;

namespace MantaLight.Protocol;

/// <summary>One run of a swarm: which definition and the how-manieth start. Messages of another run are dropped.</summary>
/// <param name="Definition">The SHA-256 of the definition, lower-case hex.</param>
/// <param name="Start">The start's number, from 1; grows with each start of the swarm, whatever the definition.</param>
public readonly record struct RunId(string Definition, int Start)
{
    /// <summary>The form in messages: the hash's first 16 digits, a hyphen, the start's number.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Definition[..16]}-{Start}");
}

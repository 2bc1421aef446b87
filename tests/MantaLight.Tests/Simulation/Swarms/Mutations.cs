using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>Breaks rules from outside: by what a node's connections tell it.</summary>
internal static class Mutations
{
    public static IBroker Apply(Mutation mutation, IBroker broker, SimulatedProcess process) => broker;
}

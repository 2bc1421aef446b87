using System.CommandLine;
using System.CommandLine.Invocation;
using MantaLight.Cli.Commands;

namespace MantaLight.Cli;

/// <summary>The root command, and how any command's end becomes an exit code.</summary>
internal static class CommandLine
{
    /// <summary>How long a command may take to end after Ctrl-C or SIGTERM before the process is ended for it.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The root with all commands: one class in Commands for each.</summary>
    public static RootCommand Create(CliConsole console) => new RootCommand("Federated learning over nothing but an MQTT broker.")
    {
        RunCommand.Create(console),
        SimulateCommand.Create(console),
        CompareCommand.Create(console),
        NodeCommand.Create(console),
        BrokerCommand.Create(console),
        SwarmCommand.Create(console),
        StatusCommand.Create(console),
        DataCommand.Create(console),
        AggregateCommand.Create(console),
        PrivacyCommand.Create(console),
        DoctorCommand.Create(console),
        ChaosCommand.Create(console),
    }.WithExamples(
        "mantalight run examples/Mnist",
        "mantalight data prepare mnist --nodes 5 --partition non-iid-2 --seed 42").ShowExamples();

    /// <summary>Parses and runs.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> InvokeAsync(string[] arguments, CliConsole console, CancellationToken cancellationToken)
    {
        var parsed = Create(console).Parse(arguments);
        var configuration = new InvocationConfiguration
        {
            Output = console.Out,
            Error = console.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TerminationTimeout,
        };
        try
        {
            if (parsed.Action is not ParseErrorAction refusal)
                return await parsed.InvokeAsync(configuration, cancellationToken);
            // Where a command is missing, the list of commands is the answer; elsewhere it would bury the message.
            refusal.ShowHelp = parsed.CommandResult.Command.Subcommands.Count > 0;
            await parsed.InvokeAsync(configuration, cancellationToken);
            if (!refusal.ShowHelp)
                console.Error.WriteLine("See --help for what is possible.");
            return ExitCodes.Usage;
        }
        catch (MantaLightException e)
        {
            console.WriteError(e.Message);
            return ExitCodes.Of(e);
        }
        catch (OperationCanceledException)
        {
            console.WriteError("cancelled");
            return ExitCodes.Cancelled;
        }
        catch (Exception e)
        {
            // Not foreseen, so a defect: the stack trace is what its report needs.
            console.WriteError($"unexpected: {e}");
            return ExitCodes.Failure;
        }
    }
}

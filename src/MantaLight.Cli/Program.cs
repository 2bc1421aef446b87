using MantaLight.Cli;

return await CommandLine.InvokeAsync(args, CliConsole.OfProcess(), CancellationToken.None);

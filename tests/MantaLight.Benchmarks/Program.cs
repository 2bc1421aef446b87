using BenchmarkDotNet.Running;
using MantaLight.Benchmarks;
using MantaLight.Benchmarks.Report;
using MantaLight.Benchmarks.Tasks;
using MantaLight.Benchmarks.Topics;

// dotnet run -c Release --project tests/MantaLight.Benchmarks -- report --help
// dotnet run -c Release --project tests/MantaLight.Benchmarks -- --filter '*'
if (args is ["rounds"])
    return Rounds.Run();
if (args is ["aggregate", ..])
    return await AggregateProcess.RunAsync(args[1..]);
if (args is ["tcp", ..])
    return await PlainTcp.AnswerAsync(args[1..]);
if (args is [] or ["report", ..] or ["--help"] or ["-h"])
    return await ReportCommand.InvokeAsync(args, TopicList.All);
BenchmarkSwitcher.FromAssembly(typeof(WeightsBenchmarks).Assembly).Run(args);
return 0;

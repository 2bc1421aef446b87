using BenchmarkDotNet.Running;
using MantaLight.Benchmarks;

// dotnet run -c Release --project tests/MantaLight.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(WeightsBenchmarks).Assembly).Run(args);
return 0;

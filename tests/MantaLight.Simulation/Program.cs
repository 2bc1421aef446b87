using MantaLight.Simulation;

return HuntArguments.TryRead(args, out var arguments, out var problem)
    ? new Hunt(arguments, Console.Out).Run()
    : Refuse(problem);

static int Refuse(string problem)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(HuntArguments.Usage);
    return 2;
}

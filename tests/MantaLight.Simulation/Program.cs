using MantaLight.Simulation;

if (!HuntArguments.TryRead(args, out var arguments, out var problem))
    return Refuse(problem);
if (arguments.Help)
    Console.WriteLine(HuntArguments.Usage);
else if (arguments.Soak)
    return SoakRun.Run(arguments.ToSoak(), Console.Out);
else
    return new Hunt(arguments, Console.Out).Run();
return 0;

static int Refuse(string problem)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(HuntArguments.Usage);
    return 2;
}

namespace MantaLight.Cli.Watching;

/// <summary>Lets go of each node's numbers with their round, where nodes are too many to be told one by one and nobody reports them.</summary>
internal sealed class ForgetfulScreen(IRunScreen screen) : IRunScreen
{
    public void Show(RunView view, IReadOnlyList<Happening> happened)
    {
        screen.Show(view, happened);
        if (view.Progress is null)
            return;
        foreach (var told in happened.OfType<Happening.RoundFinished>())
            told.Round.Forget();
    }
}

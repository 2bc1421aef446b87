using System.Globalization;
using MantaLight.Checkpoints;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>The watch over a simulation: what it tells, taken in and shown, and how many updates of participants there were.</summary>
internal sealed class SimulationWatch
{
    /// <summary>More participants than these are counted, not told one by one, and their numbers go with their round unless they are to be reported.</summary>
    private const int MaximumTold = 100;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly WatchQueue inputs = new(1 << 20);
    private readonly HashSet<string> roots;
    private readonly SimulationSettings settings;
    private readonly TimeProvider time;
    private readonly long began;
    private TimeSpan? ran;
    private long updates;
    private int written;
    private string? latest;

    public SimulationWatch(SwarmDefinition definition, SimulationSettings settings, TimeProvider time)
    {
        (this.settings, this.time, began) = (settings, time, time.GetTimestamp());
        roots = definition.Tasks.Where(t => t.After.IsEmpty).Select(t => t.Alias).ToHashSet(StringComparer.Ordinal);
        View = new RunView(definition.Name) { Progress = settings.Participants > MaximumTold ? new RoundProgress() : null };
    }

    /// <summary>The run as it was shown last.</summary>
    public RunView View { get; }

    /// <summary>Takes in what the swarm tells; one call at a time.</summary>
    public void Hear(ControlMessage message)
    {
        if (message is TaskCompleted { Alias: var alias } && roots.Contains(alias))
            updates++;
        if (message is not (TaskAccepted or TaskRunning) || View.Progress is null)
            inputs.Add(new WatchInput(message));
    }

    /// <summary>Takes in what became of a checkpoint.</summary>
    public void Kept(CheckpointNews news)
    {
        if (news.Path is { } path)
            (written, latest) = (written + 1, path);
        inputs.Add(new WatchInput(null, news.Path is { } file
            ? new Happening.CheckpointWritten(news.Round, file)
            : new Happening.Trouble(string.Create(CultureInfo.InvariantCulture, $"There is no checkpoint of round {news.Round}: {news.Problem}"))));
    }

    /// <summary>Shows the run until it is over, however it ends.</summary>
    public async Task<bool> ShowAsync(IRunScreen screen, Task running)
    {
        while (true)
        {
            // Before what has been told is read, which came before it.
            var isOver = running.IsCompleted;
            Show(screen);
            if (isOver)
                break;
            await Task.WhenAny(running, Task.Delay(RefreshInterval, time, CancellationToken.None));
        }
        ran = time.GetElapsedTime(began);
        return true;
    }

    /// <summary>Writes what a summary of a run does not have: checkpoints, and updates a minute.</summary>
    public void WriteEnd(CliConsole console)
    {
        if (settings.Checkpoints is { } options)
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Checkpoints: {written} written to {options.Folder}{(latest is null ? "" : $", the last one {Path.GetFileName(latest)}")}"));
        var took = ran ?? time.GetElapsedTime(began);
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{updates:N0} participant updates in {took.TotalSeconds:F1} s: {updates / Math.Max(took.TotalMinutes, 1e-9):N0} a minute"));
    }

    private void Show(IRunScreen screen)
    {
        var now = time.GetUtcNow();
        var happened = new List<Happening>();
        foreach (var input in inputs.TakeAll(out _))
        {
            if (input.Happening is { } happening)
                happened.Add(happening);
            if (input.Message is { } message)
                happened.AddRange(View.Apply(message, now));
        }
        if (happened.Count > 0)
            View.Progress?.Told(now);
        else if (View.Progress is { } progress)
            happened.AddRange(progress.Tick(now));
        screen.Show(View, happened);
        if (settings.Json is not null || View.Progress is null)
            return;
        foreach (var told in happened.OfType<Happening.RoundFinished>())
            told.Round.Forget();
    }
}

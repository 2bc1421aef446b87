using System.Globalization;
using MantaLight.Protocol;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MantaLight.Cli.Watching;

/// <summary>Shows a run while it goes on.</summary>
internal interface IRunScreen
{
    /// <summary>Shows what has changed; called at least a few times a second, also where nothing has.</summary>
    void Show(RunView view, IReadOnlyList<Happening> happened);
}

/// <summary>Chooses how a run is shown: live on a terminal, else as lines.</summary>
internal static class RunScreens
{
    /// <summary>Runs some work that shows a run.</summary>
    public static Task<T> ShowAsync<T>(CliConsole console, Func<IRunScreen, Task<T>> work) =>
        console.Rich is { } rich
            ? rich.Live(new Text("")).AutoClear(true).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Top)
                .StartAsync(context => work(new LiveScreen(context)))
            : work(new LineScreen(console.Out));
}

/// <summary>Plain lines.</summary>
internal sealed class LineScreen(TextWriter output) : IRunScreen
{
    public void Show(RunView view, IReadOnlyList<Happening> happened)
    {
        foreach (var line in happened.SelectMany(h => PlainLines.Of(h, view.Swarm)))
            output.WriteLine(line);
        if (happened.Count > 0)
            output.Flush();
    }
}

/// <summary>A table of rounds, a bar for each node, and what is wrong.</summary>
internal sealed class LiveScreen(LiveDisplayContext context) : IRunScreen
{
    private const int MaximumRows = 12;
    private const int MaximumTroubles = 5;
    private const int BarWidth = 30;

    private readonly Queue<string> troubles = new();

    public void Show(RunView view, IReadOnlyList<Happening> happened)
    {
        foreach (var happening in happened)
        {
            var text = happening switch
            {
                Happening.Trouble trouble => Texts.Line(trouble.Text),
                Happening.TaskChanged { Reason: not null } => PlainLines.Of(happening, view.Swarm).First(),
                _ => null,
            };
            if (text is null)
                continue;
            troubles.Enqueue(text);
            if (troubles.Count > MaximumTroubles)
                troubles.Dequeue();
        }
        context.UpdateTarget(Render(view));
    }

    private Rows Render(RunView view)
    {
        var parts = new List<IRenderable> { new Text(Headline(view), new Style(decoration: Decoration.Bold)) };
        if (view.Finished.Any())
            parts.Add(RoundTable.Rich(view.Finished, MaximumRows));
        if (view.Progress is { } progress)
            parts.Add(Bars(progress));
        AttemptView[] attempts = view.Progress is null ? [.. view.Attempts] : [];
        if (attempts.Length > 0)
            parts.Add(Bars(attempts));
        if (view.Pulse.Missing is { } missing)
            parts.Add(new Text($"Waiting: {Texts.Line(missing)}", new Style(Color.Red)));
        if (view.Waiting is { } waiting)
            parts.Add(new Text($"Waiting: {Texts.Line(waiting)}", new Style(Color.Yellow)));
        parts.AddRange(troubles.Select(t => new Text(t, new Style(Color.Yellow))));
        return new Rows(parts);
    }

    private static string Headline(RunView view)
    {
        if (view.State is not { } state)
            return $"{view.Swarm}: not started yet";
        var accuracy = view.Finished.LastOrDefault()?.Accuracy is { } value ? $" · global accuracy {Texts.Percent(value, "F2")}" : "";
        var privacy = string.Concat(PrivacyReport.After(view.Finished).Select(p => $" · {p.Text}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{view.Swarm}: {Texts.Snake(state.Status)} · round {state.Round} of {state.MaximumRounds}{accuracy}{privacy} · up {Texts.Bytes(state.BytesUp)} · down {Texts.Bytes(state.BytesDown)}");
    }

    private static Grid Bars(RoundProgress progress)
    {
        var grid = new Grid().AddColumn().AddColumn().AddColumn();
        foreach (var (alias, done, of) in progress.Tasks)
        {
            var filled = Math.Clamp((int)((long)BarWidth * done / Math.Max(1, of)), 0, BarWidth);
            grid.AddRow(
                new Text(alias), new Text(new string('━', filled) + new string('╌', BarWidth - filled), new Style(Color.Blue)),
                new Text(string.Create(CultureInfo.InvariantCulture, $"{done:N0} of {of:N0}")));
        }
        return grid;
    }

    private static Grid Bars(AttemptView[] attempts)
    {
        var grid = new Grid().AddColumn().AddColumn().AddColumn().AddColumn();
        foreach (var attempt in attempts.Take(MaximumRows * 2))
        {
            var filled = (int)Math.Round(attempt.Progress * BarWidth);
            var color = attempt.Status switch { AttemptStatus.Completed => Color.Green, AttemptStatus.Failed => Color.Red, _ => Color.Blue };
            grid.AddRow(
                new Text(attempt.Node),
                new Text(attempt.Alias),
                new Text(new string('━', filled) + new string('╌', BarWidth - filled), new Style(color)),
                new Text(attempt.Loss is { } loss ? $"loss {Texts.Loss(loss)}" : Texts.Snake(attempt.Status)));
        }
        if (attempts.Length > MaximumRows * 2)
            grid.AddRow(new Text($"and {attempts.Length - (MaximumRows * 2)} more"), new Text(""), new Text(""), new Text(""));
        return grid;
    }
}

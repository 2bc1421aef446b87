using Spectre.Console;

namespace MantaLight.Cli.Data;

/// <summary>Shows downloads: bars on a terminal, else a line for each.</summary>
internal static class DownloadView
{
    /// <summary>Runs some work and shows what it reports.</summary>
    public static Task<T> ShowAsync<T>(CliConsole console, Func<IProgress<DownloadProgress>, Task<T>> work) =>
        console.Rich is { } rich ? ShowBarsAsync(rich, work) : work(new Lines(console.Out));

    private static Task<T> ShowBarsAsync<T>(IAnsiConsole rich, Func<IProgress<DownloadProgress>, Task<T>> work) =>
        rich.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn())
            .StartAsync(context => work(new Bars(context)));

    private sealed class Bars(ProgressContext context) : IProgress<DownloadProgress>
    {
        private readonly Dictionary<string, ProgressTask> tasks = [];

        public void Report(DownloadProgress value)
        {
            if (!tasks.TryGetValue(value.What, out var task))
                tasks[value.What] = task = context.AddTask(Markup.Escape(value.What));
            task.IsIndeterminate = value.Total is null;
            task.MaxValue = value.Total ?? 1;
            task.Value = value.Done;
        }
    }

    private sealed class Lines(TextWriter output) : IProgress<DownloadProgress>
    {
        private string? last;

        public void Report(DownloadProgress value)
        {
            if (value.What == last)
                return;
            last = value.What;
            output.WriteLine(value.Total is { } total ? $"Downloading {value.What} ({total:N0} bytes)" : $"Downloading {value.What}");
        }
    }
}

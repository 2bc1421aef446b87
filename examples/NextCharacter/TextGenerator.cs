using System.Text.Json.Serialization;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Examples.NextCharacter;

/// <summary>Makes nodes' files from a text of one's own, or from <see cref="Play"/>.</summary>
public sealed class TextGenerator : DatasetGenerator
{
    /// <summary>The data set's name.</summary>
    public const string Name = "text";

    private const long MaximumBytes = 64 << 20;

    /// <inheritdoc/>
    public override string Dataset => Name;

    /// <inheritdoc/>
    public override int Nodes => 4;

    /// <inheritdoc/>
    public override async Task GenerateAsync(GeneratorRequest request, CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<TextOptions>(request.Options, "options of text");
        var text = options.File is { } file ? await ReadAsync(file, cancellationToken) : Play.Write(request.Seed, options.Lines);
        var texts = options.By == TextShare.Speaker
            ? Speeches.Deal(Speeches.BySpeaker(text), request.Folders.Count)
            : Speeches.ByLines(text, request.Folders.Count);
        foreach (var (folder, own) in request.Folders.Zip(texts))
            await ArrayFile.WriteNpzAsync(Path.Combine(folder, $"{Name}.npz"), Windows.Of(own, options.Window), compress: false, cancellationToken);
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new TaskContractException($"The text {file.FullName} is not there.");
        if (file.Length > MaximumBytes)
            throw new TaskContractException($"The text {file.FullName} has {file.Length:N0} bytes where {MaximumBytes:N0} are the most.");
        return await File.ReadAllTextAsync(file.FullName, cancellationToken);
    }
}

/// <summary>How nodes' files are made.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TextOptions
{
    /// <summary>The text, in UTF-8, at most 64 MiB.</summary>
    /// <value>Null: the play that the example writes itself.</value>
    public string? File { get; init; }

    /// <summary>How a text is shared out.</summary>
    /// <value><see cref="TextShare.Speaker"/>.</value>
    public TextShare By { get; init; } = TextShare.Speaker;

    /// <summary>Characters of a window, 1 to 1,000.</summary>
    /// <value>40.</value>
    public int Window
    {
        get;
        init => field = value is >= 1 and <= 1000 ? value : throw new TaskContractException($"window is {value} where 1 to 1000 are possible.");
    } = 40;

    /// <summary>Lines of each speaker, 1 to 100,000, where the example writes the play.</summary>
    /// <value>600.</value>
    public int Lines
    {
        get;
        init => field = value is >= 1 and <= 100_000 ? value : throw new TaskContractException($"lines is {value} where 1 to 100000 are possible.");
    } = 600;
}

/// <summary>How a text is shared out.</summary>
public enum TextShare
{
    /// <summary>Each speaker's lines are one node's.</summary>
    Speaker,

    /// <summary>Each node has as many lines, one behind the other.</summary>
    Lines,
}

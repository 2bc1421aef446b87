using System.Globalization;
using MantaLight.Weights;

namespace MantaLight.Checkpoints;

/// <summary>The files of a checkpoint folder: <c>SWARM-round-7.safetensors</c>.</summary>
internal sealed class CheckpointFolder(CheckpointOptions options)
{
    public string PathOf(string swarm, int round) =>
        Path.Combine(options.Folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix(swarm)}{round}{Safetensors.Extension}"));

    /// <summary>What a simulation's nodes keep for themselves, beside a checkpoint of it.</summary>
    public static string OfNodes(string checkpoint) => Path.ChangeExtension(checkpoint, $".nodes{Safetensors.Extension}");

    /// <summary>Deletes a swarm's oldest files beyond those that are kept; by time, since another run counts its rounds anew.</summary>
    public void Prune(string swarm, string newest)
    {
        if (options.Keep is not { } keep)
            return;
        var old = new DirectoryInfo(options.Folder).EnumerateFiles($"{Prefix(swarm)}*{Safetensors.Extension}")
            .Where(f => RoundOf(swarm, f.Name) is not null && f.FullName != Path.GetFullPath(newest))
            .OrderByDescending(f => f.LastWriteTimeUtc).ThenByDescending(f => RoundOf(swarm, f.Name))
            .Skip(keep - 1);
        foreach (var file in old)
        {
            try
            {
                file.Delete();
                File.Delete(OfNodes(file.FullName));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Somebody reads it, or it is another's: the next round tries again.
            }
        }
    }

    // A swarm's id may itself look like the beginning of another's file.
    private static int? RoundOf(string swarm, string name)
    {
        var digits = name.AsSpan(Prefix(swarm).Length);
        return int.TryParse(digits[..^Safetensors.Extension.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var round) ? round : null;
    }

    private static string Prefix(string swarm) => $"{swarm}-round-";
}

using Microsoft.Extensions.Logging;

namespace MantaLight.Broker.Retained;

/// <summary>The retained messages on disk, a file for each topic; a write is complete or has not happened.</summary>
internal sealed class RetainedStore : IDisposable
{
    private const string TemporaryExtension = ".tmp";
    private const string AsideFolder = "corrupt";

    private readonly string folder;
    private readonly long maximumSize;
    private readonly ILogger logger;
    private readonly FileStream claim;
    private readonly Lock gate = new();
    private bool closed;

    /// <exception cref="InvalidSettingException">The folder cannot be used, or another broker uses it.</exception>
    public RetainedStore(string folder, int maximumPacketSize, ILogger logger)
    {
        // A file is a packet's payload and topic and little else.
        (this.folder, maximumSize, this.logger) = (Path.GetFullPath(folder), maximumPacketSize + 128L * 1024, logger);
        try
        {
            Directory.CreateDirectory(this.folder);
            claim = new FileStream(Path.Combine(this.folder, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The broker's store folder '{this.folder}' cannot be used: {problem.Message} Is another broker using it, or is it read-only? Choose another StoreFolder.", problem);
        }
    }

    /// <summary>Reads every stored message; what cannot be read is set aside and logged.</summary>
    public IReadOnlyList<StoredMessage> Load()
    {
        var messages = new List<StoredMessage>();
        foreach (var left in Directory.EnumerateFiles(folder, "*" + TemporaryExtension))
            File.Delete(left);
        foreach (var path in Directory.EnumerateFiles(folder, "*" + RetainedFile.Extension))
        {
            try
            {
                if (new FileInfo(path).Length > maximumSize)
                    throw new MalformedDataException($"it is larger than {maximumSize} bytes");
                messages.Add(RetainedFile.Read(File.ReadAllBytes(path), Path.GetFileName(path)));
            }
            catch (Exception problem) when (problem is MalformedDataException or IOException or UnauthorizedAccessException)
            {
                SetAside(path, problem.Message);
            }
        }

        return messages;
    }

    /// <summary>Makes the disk agree with what the broker holds for a topic: a message, or nothing.</summary>
    public void Put(string topic, StoredMessage? message)
    {
        lock (gate)
        {
            if (closed)
                return;
            try
            {
                var path = Path.Combine(folder, RetainedFile.NameOf(topic));
                if (message is null)
                    File.Delete(path);
                else
                    Replace(path, message);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                Log.NotStored(logger, topic, folder, problem);
            }
        }
    }

    public void Dispose()
    {
        lock (gate)
            closed = true;
        claim.Dispose();
    }

    private static void Replace(string path, StoredMessage message)
    {
        var temporary = path + TemporaryExtension;
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            RetainedFile.Write(stream, message);
            // Before the rename, or a power cut could leave the new name on an empty file.
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private void SetAside(string path, string reason)
    {
        var aside = Path.Combine(folder, AsideFolder, Path.GetFileName(path));
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, AsideFolder));
            File.Move(path, aside, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            aside = path;
        }

        Log.Corrupt(logger, path, aside, reason);
    }
}

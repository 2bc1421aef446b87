namespace MantaLight.Cli.Data;

/// <summary>Where downloads are kept for the next time.</summary>
internal static class CacheFolder
{
    /// <summary>The variable that names another folder.</summary>
    public const string Variable = "MANTALIGHT_CACHE";

    /// <summary>
    /// <c>MANTALIGHT_CACHE</c>; else <c>mantalight</c> in the user's cache folder: <c>XDG_CACHE_HOME</c> or <c>~/.cache</c>,
    /// <c>~/Library/Caches</c> on macOS, the local application data on Windows.
    /// </summary>
    public static string Default(Func<string, string?> variable)
    {
        if (variable(Variable) is { Length: > 0 } chosen)
            return Path.GetFullPath(chosen);
        return Path.Combine(OfUser(variable), "mantalight");
    }

    private static string OfUser(Func<string, string?> variable)
    {
        // The XDG specification says that relative paths are to be ignored.
        if (variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathFullyQualified(xdg))
            return xdg;
        if (OperatingSystem.IsWindows())
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (home.Length == 0)
            return Path.GetTempPath();
        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }
}

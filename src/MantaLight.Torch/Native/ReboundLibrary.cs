using System.Security.Cryptography;

namespace MantaLight.Torch.Native;

/// <summary>
/// TorchSharp 0.107.0's Linux library was built with GCC 13 and asks for GLIBCXX_3.4.32, of which it uses one symbol:
/// <c>std::ios_base_library_init()</c>. Systems with an older libstdc++ have <c>std::ios_base::Init::Init()</c>, which does
/// the same and ignores its <c>this</c>. In a copy of exactly that file the symbol is bound to the older one.
/// </summary>
internal static class ReboundLibrary
{
    /// <summary>The only file that is ever edited.</summary>
    public const string KnownSha256 = "cf33b1b0bb6bbb9754a768fb5c5d04d9f498603be50e73f55621a0b40ee608b8";

    /// <summary>What the file asks for and older systems lack.</summary>
    public const string MissingVersion = "GLIBCXX_3.4.32";

    private const string PresentVersion = "GLIBCXX_3.4.30";
    private const string BaseVersion = "GLIBCXX_3.4";
    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Replacement = "_ZNSt8ios_base4InitC1Ev";

    /// <summary>The lower-case SHA-256 of some bytes.</summary>
    public static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The edited copy of a file whose hash is <see cref="KnownSha256"/>.</summary>
    /// <exception cref="MalformedDataException">The file is not what is known.</exception>
    public static byte[] Rebind(byte[] original)
    {
        var hash = Sha256(original);
        if (hash != KnownSha256)
            throw new MalformedDataException($"The library's SHA-256 is {hash}; only {KnownSha256} (TorchSharp 0.107.0) is known.");

        var copy = original.AsSpan().ToArray();
        var image = new ElfImage(copy);
        var symbol = image.FindUndefined(Symbol) ?? throw new MalformedDataException($"The library does not use {Symbol}.");
        var needs = image.VersionNeeds("libstdc++.so.6").ToDictionary(n => n.Name);
        var missing = needs[MissingVersion];
        RequireSoleUse(image, symbol, missing.Index);

        image.ReplaceString(image.NameOffset(symbol), Replacement);
        image.SetVersion(symbol, needs[BaseVersion].Index);
        // No symbol uses the need any more, but the loader checks all needs; ask twice for one that is there.
        image.Repeat(needs[PresentVersion], missing);
        return copy;
    }

    // Another symbol of that version, or one whose name shares the bytes, would be re-bound with it.
    private static void RequireSoleUse(ElfImage image, int symbol, int version)
    {
        int start = image.NameOffset(symbol), end = start + Symbol.Length;
        for (var i = 1; i < image.SymbolCount; i++)
        {
            if (i != symbol && (image.Version(i) == version || (image.NameOffset(i) >= start && image.NameOffset(i) <= end)))
                throw new MalformedDataException($"{image.Name(i)} needs {MissingVersion} too.");
        }
    }
}

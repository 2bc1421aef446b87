using System.Buffers.Binary;
using System.Text;

namespace MantaLight.Torch.Native;

/// <summary>The dynamic linking tables of a little-endian ELF64 file, found through its section headers.</summary>
internal sealed class ElfImage
{
    private const uint SectionDynamicSymbols = 11;
    private const uint SectionVersionNeeds = 0x6ffffffe;
    private const uint SectionSymbolVersions = 0x6fffffff;
    private const int SymbolSize = 24;

    private readonly byte[] file;
    private readonly Section symbols;
    private readonly Section strings;
    private readonly Section symbolVersions;
    private readonly Section versionNeeds;

    /// <summary>Parses <paramref name="file"/>; edits go into it.</summary>
    /// <exception cref="MalformedDataException">It is no such file or lacks one of the tables.</exception>
    public ElfImage(byte[] file)
    {
        this.file = file;
        if (file.Length < 64 || !file.AsSpan(0, 6).SequenceEqual("\u007fELF\u0002\u0001"u8))
            throw new MalformedDataException("Not a little-endian 64-bit ELF file.");

        var sections = ReadSections();
        symbols = Single(sections, SectionDynamicSymbols, ".dynsym");
        symbolVersions = Single(sections, SectionSymbolVersions, ".gnu.version");
        versionNeeds = Single(sections, SectionVersionNeeds, ".gnu.version_r");
        if (symbols.Link >= sections.Count)
            throw new MalformedDataException("The ELF file's .dynsym links to no string table.");
        strings = sections[symbols.Link];
        if (symbolVersions.Size / 2 < symbols.Size / SymbolSize)
            throw new MalformedDataException("The ELF file's .gnu.version is shorter than its .dynsym.");
    }

    public int SymbolCount => symbols.Size / SymbolSize;

    /// <summary>The offset of a symbol's name in the string table.</summary>
    public int NameOffset(int symbol) => (int)U32(SymbolAt(symbol));

    public string Name(int symbol) => String(NameOffset(symbol));

    public bool IsUndefined(int symbol) => U16(SymbolAt(symbol) + 6) == 0;

    /// <summary>The version index of a symbol, without the hidden bit.</summary>
    public int Version(int symbol) => U16(symbolVersions.Offset + (2 * symbol)) & 0x7fff;

    public void SetVersion(int symbol, int version) =>
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(symbolVersions.Offset + (2 * symbol), 2), checked((ushort)version));

    /// <summary>The undefined symbol of that name; null where there is none.</summary>
    public int? FindUndefined(string name)
    {
        for (var i = 1; i < SymbolCount; i++)
        {
            if (IsUndefined(i) && Name(i) == name)
                return i;
        }
        return null;
    }

    /// <summary>Overwrites a string of the string table with one that is not longer.</summary>
    public void ReplaceString(int offset, string value)
    {
        if (value.Length > String(offset).Length)
            throw new MalformedDataException($"'{value}' is longer than the name that it replaces.");
        var at = strings.Offset + offset;
        var written = Encoding.ASCII.GetBytes(value, file.AsSpan(at));
        file[at + written] = 0;
    }

    /// <summary>The versions that the file needs of a library.</summary>
    public IEnumerable<VersionNeed> VersionNeeds(string library)
    {
        for (int need = 0, next = -1; next != 0; need += next)
        {
            var at = Inside(versionNeeds, need, 16);
            next = (int)U32(at + 12);
            if (String((int)U32(at + 4)) != library)
                continue;
            var auxiliary = need + (int)U32(at + 8);
            for (int i = 0, count = U16(at + 2); i < count; i++)
            {
                var entry = Inside(versionNeeds, auxiliary, 16);
                yield return new VersionNeed(String((int)U32(entry + 8)), U16(entry + 6), entry);
                auxiliary += (int)U32(entry + 12);
            }
        }
    }

    /// <summary>Makes one need ask for what another asks for; its version index stays.</summary>
    public void Repeat(VersionNeed from, VersionNeed to)
    {
        file.AsSpan(from.Offset, 4).CopyTo(file.AsSpan(to.Offset, 4)); // the name's ELF hash
        file.AsSpan(from.Offset + 8, 4).CopyTo(file.AsSpan(to.Offset + 8, 4)); // the name
    }

    private List<Section> ReadSections()
    {
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(40));
        int entrySize = U16(58), count = U16(60);
        if (entrySize < 64 || offset > (ulong)file.Length || (ulong)(entrySize * count) > (ulong)file.Length - offset)
            throw new MalformedDataException("The ELF file's section headers lie outside it.");

        var sections = new List<Section>(count);
        for (var i = 0; i < count; i++)
        {
            var header = file.AsSpan((int)offset + (i * entrySize), 64);
            var start = BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);
            var size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            var holdsBytes = type != 8; // .bss and its like have a size but no bytes
            if (holdsBytes && (start > (ulong)file.Length || size > (ulong)file.Length - start))
                throw new MalformedDataException($"Section {i} of the ELF file lies outside it.");
            sections.Add(new Section(type, (int)Math.Min(start, int.MaxValue), holdsBytes ? (int)size : 0, BinaryPrimitives.ReadInt32LittleEndian(header[40..])));
        }
        return sections;
    }

    private static Section Single(List<Section> sections, uint type, string name)
    {
        var found = sections.FindAll(s => s.Type == type);
        return found is [var only] ? only : throw new MalformedDataException($"The ELF file has {found.Count} sections {name} where one is expected.");
    }

    private string String(int offset)
    {
        if (offset < 0 || offset >= strings.Size)
            throw new MalformedDataException("A name of the ELF file lies outside its string table.");
        var rest = file.AsSpan(strings.Offset + offset, strings.Size - offset);
        var end = rest.IndexOf((byte)0);
        return end < 0 ? throw new MalformedDataException("A name of the ELF file has no end.") : Encoding.ASCII.GetString(rest[..end]);
    }

    private static int Inside(Section section, int offset, int length) =>
        offset >= 0 && offset <= section.Size - length
            ? section.Offset + offset
            : throw new MalformedDataException("An entry of the ELF file's version table lies outside it.");

    private int SymbolAt(int symbol) => Inside(symbols, symbol * SymbolSize, SymbolSize);

    private uint U32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(offset));

    private int U16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(offset));

    private sealed record Section(uint Type, int Offset, int Size, int Link);

    /// <summary>One version that is needed.</summary>
    /// <param name="Name">For example <c>GLIBCXX_3.4.30</c>.</param>
    /// <param name="Index">The index that symbols refer to it by.</param>
    /// <param name="Offset">Where its entry lies in the file.</param>
    internal readonly record struct VersionNeed(string Name, int Index, int Offset);
}

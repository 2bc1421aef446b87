namespace MantaLight.Examples.NextCharacter;

/// <summary>
/// The characters that the model knows, and their numbers: the line's end, the 95 of ASCII that can be printed, and one for all others. It is fixed, so that no node
/// tells which characters its text has.
/// </summary>
public static class Alphabet
{
    /// <summary>How many there are.</summary>
    public const int Size = 97;

    private const byte Unknown = Size - 1;
    private const char Shown = '\uFFFD';

    /// <summary>A text's numbers. Typographic quotes, dashes and spaces become plain ones, and carriage returns are left out.</summary>
    public static byte[] Encode(string text) => [.. text.Where(c => c != '\r').Select(NumberOf)];

    /// <summary>The character of a number.</summary>
    public static char CharacterOf(int number) => number switch
    {
        0 => '\n',
        > 0 and < Unknown => (char)(' ' + number - 1),
        _ => Shown,
    };

    private static byte NumberOf(char character) => character switch
    {
        '\n' => 0,
        >= ' ' and <= '~' => (byte)(character - ' ' + 1),
        '\t' or '\u00A0' => NumberOf(' '),
        '\u2018' or '\u2019' => NumberOf('\''),
        '\u201C' or '\u201D' => NumberOf('"'),
        '\u2013' or '\u2014' => NumberOf('-'),
        _ => Unknown,
    };
}

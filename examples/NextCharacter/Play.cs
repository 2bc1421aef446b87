using System.Text;
using MathNet.Numerics.Random;

namespace MantaLight.Examples.NextCharacter;

/// <summary>
/// A play without end, of four speakers with words of their own, to try the example on where no text is given. Each line is put together at random from what its speaker says.
/// </summary>
public static class Play
{
    private static readonly Part[] Parts =
    [
        new(
            "CAPTAIN",
            ["The brig", "Our helmsman", "The old frigate", "A grey squall", "The bosun", "My second mate"],
            ["rounds", "weathers", "signals", "runs before", "keeps off", "has sighted"],
            ["the northern cape", "a drifting wreck", "the harbour light", "two strange sails", "the shoals", "the whaling fleet"],
            ["before the tide turns", "with all hands on deck", "under a single topsail", "at eight bells", "and the gulls go quiet"]),
        new(
            "GARDENER",
            ["The pear tree", "That climbing rose", "My row of beans", "The compost heap", "A patient mole", "The lavender"],
            ["wants", "shades", "smothers", "feeds", "outgrows", "drinks from"],
            ["the rhubarb bed", "the south wall", "every thirsty root", "the watering can", "the young lettuces", "the muddy path"],
            ["until the frost is gone", "after a week of rain", "and nobody has pruned it", "when the bees are about", "as it does each spring"]),
        new(
            "COOK",
            ["The copper kettle", "This onion broth", "A pinch of saffron", "The baker's boy", "Your plum pudding", "The carving knife"],
            ["thickens", "spoils", "sweetens", "waits for", "scorches", "goes well with"],
            ["the mutton stew", "a loaf of rye", "the butter sauce", "six hungry guests", "the apple tart", "the pickled fish"],
            ["on a slow fire", "with a little more salt", "before the table is laid", "and the cat knows it", "if you stir it twice"]),
        new(
            "ASTRONOMER",
            ["The red planet", "A faint comet", "My brass quadrant", "The double star", "Saturn's ring", "The waning moon"],
            ["crosses", "eclipses", "measures", "dims beside", "drifts past", "returns to"],
            ["the meridian", "a distant nebula", "the ninth degree", "the Pleiades", "the summer zenith", "the polar axis"],
            ["an hour past midnight", "as my tables foretold", "though clouds obscure it", "every seventy years", "and I have no proof"]),
    ];

    /// <summary>A text as <see cref="Speeches"/> reads it.</summary>
    /// <param name="seed">The same seed always gives the same text.</param>
    /// <param name="lines">Of each speaker, at least 1.</param>
    public static string Write(ulong seed, int lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines, 1);
        var random = new MersenneTwister((int)(seed ^ (seed >> 32)), threadSafe: false);
        var text = new StringBuilder();
        for (var i = 0; i < lines * Parts.Length; i++)
        {
            var part = Parts[i % Parts.Length];
            text.Append(part.Speaker).Append(": ");
            text.AppendJoin(' ', [Any(part.Subjects, random), Any(part.Verbs, random), Any(part.Objects, random), Any(part.Ends, random)]).Append(".\n");
        }
        return text.ToString();
    }

    private static string Any(string[] choices, RandomSource random) => choices[random.Next(choices.Length)];

    private sealed record Part(string Speaker, string[] Subjects, string[] Verbs, string[] Objects, string[] Ends);
}

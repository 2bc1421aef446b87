using System.Collections.Immutable;
using System.Globalization;

namespace MantaLight.Weights.Packing;

/// <summary>How the values of float32 arrays travel.</summary>
public enum ValueCoding
{
    /// <summary>As they are.</summary>
    Float32,

    /// <summary>Rounded to IEEE 754 half; what is beyond its range becomes its largest number.</summary>
    Float16,

    /// <summary>Rounded to bfloat16.</summary>
    BFloat16,

    /// <summary>Blocks of signed bytes, each block with a scale of its own.</summary>
    Int8,
}

/// <summary>
/// How weights are made smaller for their way: steps in the order <c>delta [global]</c>, <c>top_k F</c>, one of <c>fp16</c>, <c>bf16</c> and <c>int8 [B]</c>, and
/// <c>zstd [L]</c>, each at most once. No step is the lossless default.
/// </summary>
public sealed record PackingPlan
{
    private const string DefaultBase = "global_model_params";
    private const int DefaultBlock = 256;
    private const int DefaultLevel = 3;

    /// <summary>The global from which a delta is taken; null where what travels is no difference.</summary>
    public string? Base { get; private init; }

    /// <summary>Whether what travels is the difference from a base that both sides have.</summary>
    public bool IsDelta => Base is not null;

    /// <summary>The steps that this version knows, as nodes tell them.</summary>
    public static ImmutableArray<string> Known { get; } = ["delta", "top_k", "fp16", "bf16", "int8", "zstd"];

    /// <summary>The steps without their arguments.</summary>
    public IEnumerable<string> Kinds
    {
        get
        {
            // Asked for with each node that a task may be placed on: nothing is written and read again.
            if (IsDelta)
                yield return "delta";
            if (TopK is not null)
                yield return "top_k";
            if (Values != ValueCoding.Float32)
                yield return Values switch { ValueCoding.Float16 => "fp16", ValueCoding.BFloat16 => "bf16", _ => "int8" };
            if (Level is not null)
                yield return "zstd";
        }
    }

    /// <summary>The part of each array's elements that travels, those of the largest magnitude; above 0 and below 1. Null for all.</summary>
    public double? TopK { get; private init; }

    /// <summary>How values travel.</summary>
    public ValueCoding Values { get; private init; }

    /// <summary>Elements that share a scale with <see cref="ValueCoding.Int8"/>.</summary>
    public int Block { get; private init; } = DefaultBlock;

    /// <summary>The zstd level, 1 to 19; null for none.</summary>
    public int? Level { get; private init; }

    /// <summary>Whether nothing is done.</summary>
    public bool IsPlain => this == new PackingPlan();

    /// <summary>Whether values change on the way.</summary>
    public bool IsLossy => TopK is not null || Values != ValueCoding.Float32;

    /// <summary>Whether what one round loses is to be added to the next: Seide et al. 2014, Karimireddy et al. 2019 (Algorithm 1).</summary>
    public bool HasErrorFeedback => IsDelta && (TopK is not null || Values == ValueCoding.Int8);

    /// <summary>The steps, as they are written.</summary>
    public ImmutableArray<string> Steps
    {
        get
        {
            string?[] steps =
            [
                Base switch { null => null, DefaultBase => "delta", _ => $"delta {Base}" },
                TopK is { } part ? string.Create(CultureInfo.InvariantCulture, $"top_k {part}") : null,
                Values switch
                {
                    ValueCoding.Float16 => "fp16",
                    ValueCoding.BFloat16 => "bf16",
                    ValueCoding.Int8 => Block == DefaultBlock ? "int8" : string.Create(CultureInfo.InvariantCulture, $"int8 {Block}"),
                    _ => null,
                },
                Level is { } level ? level == DefaultLevel ? "zstd" : string.Create(CultureInfo.InvariantCulture, $"zstd {level}") : null,
            ];
            return [.. steps.OfType<string>()];
        }
    }

    /// <summary>Reads steps.</summary>
    /// <param name="steps">Such as <c>["delta", "int8", "zstd"]</c>.</param>
    /// <param name="problem">What is wrong with them, for people; null where nothing is.</param>
    /// <returns>The plan; null where something is wrong.</returns>
    public static PackingPlan? Parse(IEnumerable<string> steps, out string? problem)
    {
        var plan = new PackingPlan();
        var rank = 0;
        foreach (var step in steps)
        {
            var words = step.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            (plan, problem, var next) = Apply(plan, words);
            if (problem is null && next <= rank)
                problem = $"'{step}' stands there twice or too late: the order is delta, top_k, one of fp16, bf16 and int8, zstd";
            if (problem is not null)
                return null;
            rank = next;
        }
        problem = plan.TopK is not null && !plan.IsDelta ? "'top_k' needs 'delta' before it: the largest weights alone are no model, the largest changes are" : null;
        return problem is null ? plan : null;
    }

    private static (PackingPlan Plan, string? Problem, int Rank) Apply(PackingPlan plan, string[] words) => words switch
    {
        ["delta"] => (plan with { Base = DefaultBase }, null, 1),
        ["delta", var tag] when IsTag(tag) => (plan with { Base = tag }, null, 1),
        ["top_k", var text] when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var part) && part is > 0 and < 1 => (plan with { TopK = part }, null, 2),
        ["fp16"] => (plan with { Values = ValueCoding.Float16 }, null, 3),
        ["bf16"] => (plan with { Values = ValueCoding.BFloat16 }, null, 3),
        ["int8"] => (plan with { Values = ValueCoding.Int8 }, null, 3),
        ["int8", var text] when TryRead(text, 16, 65_536, out var block) => (plan with { Values = ValueCoding.Int8, Block = block }, null, 3),
        ["zstd"] => (plan with { Level = DefaultLevel }, null, 4),
        ["zstd", var text] when TryRead(text, 1, 19, out var level) => (plan with { Level = level }, null, 4),
        ["top_k", ..] => (plan, "'top_k' takes the part that travels, above 0 and below 1, as in 'top_k 0.01'", 0),
        ["delta", ..] => (plan, "'delta' takes the tag of a global, as in 'delta global_model_params'", 0),
        ["int8", ..] => (plan, "'int8' takes the elements of a block, 16 to 65536, as in 'int8 256'", 0),
        ["zstd", ..] => (plan, "'zstd' takes a level, 1 to 19, as in 'zstd 3'", 0),
        _ => (plan, $"'{string.Join(' ', words)}' is not known; known are: delta, top_k, fp16, bf16, int8, zstd", 0),
    };

    private static bool IsTag(string text) => text.Length is >= 1 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static bool TryRead(string text, int least, int most, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;
}

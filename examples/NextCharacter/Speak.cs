using System.Text;
using MantaLight.Tasks;
using MantaLight.Torch;
using MathNet.Numerics.Random;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace MantaLight.Examples.NextCharacter;

/// <summary>Lets the new global weights write a text, character by character: the result <c>spoken</c>, for whoever watches. No node's data are needed, or read.</summary>
[TaskOptions(typeof(SpeakOptions))]
public sealed class Speak(CharacterModel model) : SwarmTask
{
    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<SpeakOptions>(Context.Options, "options of Speak");
        using (var weights = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken))
            model.Load(weights);
        var text = options.Prompt + Continuation(options, cancellationToken);
        Log.Spoken(Logger, Context.Round, text);
        World.Results.Add("spoken", new { text });
    }

    private string Continuation(SpeakOptions options, CancellationToken cancellationToken)
    {
        using var noGradients = no_grad();
        model.eval();
        var random = new MersenneTwister((int)(Context.Seed >> 32), threadSafe: false);
        var text = new StringBuilder();
        var next = Alphabet.Encode(options.Prompt);
        CharacterState? state = null;
        try
        {
            for (var i = 0; i < options.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (scores, after) = model.Continue(next, state);
                state?.Dispose();
                state = after;
                using (scores)
                    next = [Draw(scores.data<float>().ToArray(), options.Temperature, random)];
                text.Append(Alphabet.CharacterOf(next[0]));
            }
        }
        finally
        {
            state?.Dispose();
        }
        return text.ToString();
    }

    // In proportion to exp(score / temperature).
    private static byte Draw(float[] scores, double temperature, RandomSource random)
    {
        double highest = scores.Max();
        double[] weights = [.. scores.Select(s => Math.Exp((s - highest) / temperature))];
        var left = random.NextDouble() * weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            left -= weights[i];
            if (left < 0)
                return (byte)i;
        }
        return (byte)Array.IndexOf(weights, weights.Max());
    }
}

/// <summary>Log records.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "After round {Round}: {Text}")]
    public static partial void Spoken(ILogger logger, int round, string text);
}

/// <summary>Options of <see cref="Speak"/>.</summary>
public sealed record SpeakOptions
{
    /// <summary>How the text begins; not empty.</summary>
    /// <value>The.</value>
    public string Prompt
    {
        get;
        init => field = value is { Length: >= 1 and <= 200 } ? value : throw new ArgumentException("prompt has 1 to 200 characters.");
    } = "The ";

    /// <summary>How many characters follow, 1 to 2,000.</summary>
    /// <value>120.</value>
    public int Length
    {
        get;
        init => field = value is >= 1 and <= 2000 ? value : throw new ArgumentException($"length is {value} where 1 to 2000 are possible.");
    } = 120;

    /// <summary>How freely it speaks, above 0 to 10: near 0 the likeliest character follows, at 1 each as often as the model has it.</summary>
    /// <value>0.5.</value>
    public double Temperature
    {
        get;
        init => field = value is > 0 and <= 10 ? value : throw new ArgumentException($"temperature is {value} where a number above 0 and at most 10 is expected.");
    } = 0.5;
}

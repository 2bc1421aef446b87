using System.Numerics.Tensors;
using MantaLight.Aggregation.Rules;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Optimizers;

/// <summary>Takes an optimizer's step over a whole model, some elements at a time. What is remembered is float32; each step is made in float64.</summary>
internal sealed class ServerStep(IServerOptimizer optimizer)
{
    private const int Most = 8192;

    private readonly double[] weights = new double[Most];
    private readonly double[] change = new double[Most];
    private readonly double[] first = new double[Most];
    private readonly double[] second = new double[Most];

    /// <summary>What an optimizer remembers before its first round: an array for each of the model's that has floats.</summary>
    public static NamedArrays Begin(NamedArrays model, double initial)
    {
        var draft = ModelDraft.StateOf(model);
        var state = draft.Finish();
        for (var i = 0; i < state.Count; i++)
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(draft[i]).Fill((float)initial);
        return state;
    }

    /// <summary>Why something cannot be what was remembered of a model; null where it can.</summary>
    public static string? Misfit(NamedArrays model, NamedArrays state)
    {
        using var expected = ModelDraft.StateOf(model).Finish();
        return expected.DifferenceFrom(state);
    }

    /// <summary>Takes the step. Integers and booleans are the combined ones.</summary>
    /// <param name="before">The model before.</param>
    /// <param name="combined">What the contributions came to, of the same layout.</param>
    /// <param name="state">What is remembered, one for each name.</param>
    /// <param name="round">1 in the first round.</param>
    /// <returns>The model and what is remembered now, to be disposed.</returns>
    /// <exception cref="TaskContractException">An element of one is not finite, or beyond what its type can hold.</exception>
    public Stepped Take(NamedArrays before, NamedArrays combined, IReadOnlyList<NamedArrays> state, int round)
    {
        var drafts = new List<ModelDraft>();
        try
        {
            drafts.Add(ModelDraft.Like(before));
            foreach (var _ in state)
                drafts.Add(ModelDraft.StateOf(before));
            for (int place = 0, floats = 0; place < before.Count; place++)
            {
                if (before[place].Type.IsFloat())
                    StepOf(before[place], combined[place], state, floats++, drafts[0][place], drafts, round);
                else
                    combined[place].Data.Span.CopyTo(drafts[0][place]);
            }
            return new Stepped(drafts[0].Finish(), [.. drafts.Skip(1).Select(draft => draft.Finish())]);
        }
        catch
        {
            drafts.ForEach(draft => draft.Dispose());
            throw;
        }
    }

    private void StepOf(NamedArray before, NamedArray combined, IReadOnlyList<NamedArrays> state, int place, Span<byte> model, List<ModelDraft> next, int round)
    {
        var width = before.Type.SizeInBytes();
        for (var at = 0; at < before.Count; at += Most)
        {
            var count = (int)Math.Min(Most, before.Count - at);
            var w = weights.AsSpan(0, count);
            var d = change.AsSpan(0, count);
            var m = state.Count > 0 ? first.AsSpan(0, count) : default;
            var v = state.Count > 1 ? second.AsSpan(0, count) : default;
            Elements.Widen(before.Type, before.Data.Span.Slice(at * width, count * width), w);
            Elements.Widen(before.Type, combined.Data.Span.Slice(at * width, count * width), d);
            TensorPrimitives.Subtract<double>(d, w, d);
            for (var i = 0; i < state.Count; i++)
                Elements.Widen(ArrayType.Float32, Part(state[i][place].Data.Span, at, count), i == 0 ? m : v);
            optimizer.Step(w, d, new StateSpans(m, v), round);
            var isFine = Elements.TryNarrow(before.Type, w, model.Slice(at * width, count * width));
            for (var i = 0; i < state.Count; i++)
                isFine &= Elements.TryNarrow(ArrayType.Float32, i == 0 ? m : v, next[i + 1][place].Slice(at * sizeof(float), count * sizeof(float)));
            if (!isFine)
                throw new TaskContractException($"The step of '{optimizer.Text}' leaves what the elements of '{before.Name}' can hold: some change is far too large. Clip contributions, or take a robust rule.");
        }
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> data, int at, int count) => data.Slice(at * sizeof(float), count * sizeof(float));
}

/// <summary>A model after a server's step, and what is remembered.</summary>
/// <param name="Model">The model.</param>
/// <param name="State">What is remembered, one for each name.</param>
internal sealed record Stepped(NamedArrays Model, IReadOnlyList<NamedArrays> State) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        foreach (var state in State)
            state.Dispose();
    }
}

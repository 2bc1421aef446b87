using MantaLight.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.NextCharacter;

/// <summary>
/// The model of McMahan et al. 2017 for Shakespeare, in small: characters in 8 numbers each, one layer of LSTM with 128 cells, and a score for each character that may come next; 83,945 parameters.
/// </summary>
public sealed class CharacterModel : Module<Tensor, Tensor>
{
    private const int Embedded = 8;
    private const int Cells = 128;

    private readonly Embedding embedding;
    private readonly LSTM memory;
    private readonly Linear output;

    static CharacterModel() => TorchRuntime.EnsureLoaded();

    public CharacterModel()
        : base(nameof(CharacterModel))
    {
        embedding = Embedding(Alphabet.Size, Embedded);
        memory = LSTM(Embedded, Cells, batchFirst: true);
        output = Linear(Cells, Alphabet.Size);
        RegisterComponents();
    }

    /// <summary>Windows [n, length] as loaders give them, numbers of <see cref="Alphabet"/> over 255, to scores [n, <see cref="Alphabet.Size"/>, length], as losses want classes. A window's state begins with zeros.</summary>
    public override Tensor forward(Tensor windows)
    {
        using var scope = NewDisposeScope();
        var characters = windows.mul(255).round_().to(ScalarType.Int64);
        var (states, _, _) = memory.call(embedding.call(characters));
        return output.call(states).transpose(1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>The scores of what comes after some characters [1, length], and the state to go on with.</summary>
    /// <param name="characters">Numbers of <see cref="Alphabet"/>.</param>
    /// <param name="before">The state after what came before them; null at the beginning. The caller's.</param>
    /// <returns>Scores [<see cref="Alphabet.Size"/>], and the state; both are the caller's.</returns>
    public (Tensor Scores, CharacterState State) Continue(ReadOnlySpan<byte> characters, CharacterState? before)
    {
        using var scope = NewDisposeScope();
        long[] numbers = [.. characters.ToArray().Select(c => (long)c)];
        var embedded = embedding.call(tensor(numbers).view(1, -1));
        var (states, hidden, cells) = before is null ? memory.call(embedded) : memory.call(embedded, (before.Hidden, before.Cells));
        var scores = output.call(states.select(1, -1)).view(-1);
        return (scores.MoveToOuterDisposeScope(), new CharacterState(hidden.MoveToOuterDisposeScope(), cells.MoveToOuterDisposeScope()));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            embedding.Dispose();
            memory.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>What the model remembers of the characters so far.</summary>
/// <param name="Hidden">[1, 1, cells].</param>
/// <param name="Cells">[1, 1, cells].</param>
public sealed record CharacterState(Tensor Hidden, Tensor Cells) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Hidden.Dispose();
        Cells.Dispose();
    }
}

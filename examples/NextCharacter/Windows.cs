using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Examples.NextCharacter;

/// <summary>Windows of a text, and for each of their characters the one that comes next.</summary>
public static class Windows
{
    /// <summary>
    /// The first four fifths of a text to train with, the rest to test with, as in McMahan et al. 2017. Windows lie one behind the other, so that every character but the first is to
    /// be told once; what is left at the end of a part is left out.
    /// </summary>
    /// <param name="text">A node's text.</param>
    /// <param name="length">Characters of a window, at least 1.</param>
    /// <returns><c>x_train</c>, <c>y_train</c>, <c>x_test</c> and <c>y_test</c>, uint8 [windows, length] each.</returns>
    /// <exception cref="TaskContractException">One of the parts is shorter than a window.</exception>
    public static IReadOnlyList<NamedArray> Of(string text, int length)
    {
        var numbers = Alphabet.Encode(text);
        var border = (int)((long)numbers.Length * 4 / 5);
        return [.. Part("train", numbers.AsMemory(..border), length), .. Part("test", numbers.AsMemory(border..), length)];
    }

    private static NamedArray[] Part(string name, ReadOnlyMemory<byte> numbers, int length)
    {
        // The last window's last character needs one behind it.
        var count = (numbers.Length - 1) / length;
        if (count < 1)
            throw new TaskContractException($"A node has {numbers.Length} characters to {name} with where at least {length + 1} are wanted for a window of {length}; take fewer nodes, a shorter window or a longer text.");
        return
        [
            new NamedArray($"x_{name}", ArrayType.UInt8, [count, length], numbers[..(count * length)]),
            new NamedArray($"y_{name}", ArrayType.UInt8, [count, length], numbers.Slice(1, count * length)),
        ];
    }
}

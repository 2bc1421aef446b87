namespace MantaLight.Partitioning;

/// <summary>Turns images about their middle.</summary>
internal sealed class ImageRotation
{
    private readonly int height;
    private readonly int width;
    private readonly double sine;
    private readonly double cosine;

    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="degrees">Counter-clockwise.</param>
    public ImageRotation(int height, int width, double degrees)
    {
        (this.height, this.width) = (height, width);
        // Quarter turns must move pixels, not mix them: sin(π) is not 0 in binary.
        (sine, cosine) = (degrees % 360) switch
        {
            0 => (0, 1),
            90 => (1, 0),
            180 => (0, -1),
            270 => (-1, 0),
            var other => Math.SinCos(other * Math.PI / 180),
        };
    }

    /// <summary>Turns images that lie one after the other.</summary>
    public void Turn<T>(ReadOnlySpan<T> from, Span<T> to, Func<T, double> read, Func<double, T> write)
    {
        var size = height * width;
        for (var start = 0; start < from.Length; start += size)
            TurnOne(from.Slice(start, size), to.Slice(start, size), read, write);
    }

    private void TurnOne<T>(ReadOnlySpan<T> from, Span<T> to, Func<T, double> read, Func<double, T> write)
    {
        var (middleX, middleY) = ((width - 1) / 2.0, (height - 1) / 2.0);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (right, down) = (x - middleX, y - middleY);
                var (sourceX, sourceY) = (middleX + (right * cosine) - (down * sine), middleY + (right * sine) + (down * cosine));
                var (left, top) = ((int)Math.Floor(sourceX), (int)Math.Floor(sourceY));
                var (partX, partY) = (sourceX - left, sourceY - top);
                to[(y * width) + x] = write(
                    (At(from, left, top) * (1 - partX) * (1 - partY)) + (At(from, left + 1, top) * partX * (1 - partY))
                    + (At(from, left, top + 1) * (1 - partX) * partY) + (At(from, left + 1, top + 1) * partX * partY));
            }
        }

        double At(ReadOnlySpan<T> image, int column, int row) => (uint)column < (uint)width && (uint)row < (uint)height ? read(image[(row * width) + column]) : 0;
    }
}

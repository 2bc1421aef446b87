namespace MantaLight.Torch.Training;

/// <summary>Independent seeds from an attempt's one: SplitMix64, as torch's generator looks at the lower half of a seed only.</summary>
internal static class Seeds
{
    public const ulong Order = 1;
    public const ulong Augmentation = 2;
    public const ulong Initialization = 3;
    public const ulong DefaultGenerator = 4;
    public const ulong Straggling = 5;
    public const ulong PartialWork = 6;
    public const ulong PrivateDraw = 11;
    public const ulong PrivateNoise = 12;

    public static ulong Derive(ulong seed, ulong stream)
    {
        var z = Mix(seed + (stream * 0x9e3779b97f4a7c15));
        return Mix(z + 0x9e3779b97f4a7c15);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}

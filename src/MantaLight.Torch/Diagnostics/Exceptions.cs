namespace MantaLight.Torch;

/// <summary>libtorch or TorchSharp's native library cannot be loaded; the message says why and what to do.</summary>
public sealed class TorchUnavailableException(string message, Exception? inner = null) : MantaLightException(message, inner);

/// <summary>The loss became NaN or infinite.</summary>
public sealed class TrainingDivergedException(string message, Exception? inner = null) : MantaLightException(message, inner);

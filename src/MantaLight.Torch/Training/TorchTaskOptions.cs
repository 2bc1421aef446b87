namespace MantaLight.Torch;

/// <summary>Options of training and testing tasks in a definition.</summary>
public sealed record TorchTaskOptions
{
    /// <summary>The data set's name on the node.</summary>
    /// <value><c>mnist</c>.</value>
    public string Dataset { get; init; } = "mnist";
}

using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Torch.Training;

namespace MantaLight.Torch.Augmentation;

/// <summary>Random changes of square or oblong images, drawn anew for each sample and epoch; everything is off by default.</summary>
public sealed record AugmentationOptions : IJsonOnDeserialized
{
    /// <summary>Rotation by up to so many degrees either way; 0 to 180.</summary>
    /// <value>0.</value>
    public double Rotation { get; init; }

    /// <summary>Scaling of each axis by 1 plus or minus up to this; 0 to 0.9.</summary>
    /// <value>0.</value>
    public double Scale { get; init; }

    /// <summary>Horizontal shear by up to this, in pixels per pixel; 0 to 2.</summary>
    /// <value>0.</value>
    public double Shear { get; init; }

    /// <summary>Shift along each axis by up to so many pixels; 0 to 1000.</summary>
    /// <value>0.</value>
    public double Shift { get; init; }

    /// <summary>Elastic distortion (Simard 2003): what the smoothed uniform(-1, 1) fields are multiplied by, in pixels; 0 for none, to 1000.</summary>
    /// <value>0.</value>
    public double ElasticAlpha { get; init; }

    /// <summary>The standard deviation of the Gaussian that smooths the fields, in pixels; 0.1 to 100.</summary>
    /// <value>4.</value>
    public double ElasticSigma { get; init; } = 4;

    /// <summary>Whether anything is to be done.</summary>
    [JsonIgnore]
    public bool IsOn => Rotation > 0 || Scale > 0 || Shear > 0 || Shift > 0 || ElasticAlpha > 0;

    [JsonInclude]
    [JsonExtensionData]
    internal Dictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>Checks the keys and ranges.</summary>
    /// <exception cref="JsonException">A key is not known or a value outside its range; the message names it.</exception>
    public void OnDeserialized()
    {
        KnownKeys.RefuseOthers(this, Unknown, "augmentation.");
        Require(Rotation, 0, 180, "rotation");
        Require(Scale, 0, 0.9, "scale");
        Require(Shear, 0, 2, "shear");
        Require(Shift, 0, 1000, "shift");
        Require(ElasticAlpha, 0, 1000, "elastic_alpha");
        Require(ElasticSigma, 0.1, 100, "elastic_sigma");
    }

    private static void Require(double value, double minimum, double maximum, string name)
    {
        if (!(value >= minimum && value <= maximum))
            throw new JsonException($"augmentation.{name} is {value} where {minimum} to {maximum} is expected.");
    }
}

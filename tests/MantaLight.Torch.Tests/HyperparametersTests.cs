using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Torch.Tests;

public class HyperparametersTests
{
    [Fact]
    public void Every_key_is_read_and_written_in_snake_case()
    {
        var read = Read(
            """
            { "epochs": 2, "batch_size": 16, "loss": "HuberLoss", "loss_params": { "delta": 0.5 }, "optimizer": "AdamW",
              "optimizer_params": { "lr": 0.1, "betas": [0.8, 0.9] }, "lr_schedule": { "type": "cosine", "final_lr": 0.01 },
              "augmentation": { "rotation": 5 }, "initialization": "he", "val_acc_threshold": 0.9 }
            """);

        Assert.Equal((2, 16, "HuberLoss", "AdamW", "he", 0.9), (read.Epochs, read.BatchSize, read.Loss, read.Optimizer, read.Initialization, read.ValAccThreshold));
        Assert.Equal(0.01, read.LrSchedule!.FinalLr);
        Assert.Equal(5, read.Augmentation!.Rotation);
        var again = TaskJson.Read<Hyperparameters>(TaskJson.Write(read), "copy");
        Assert.Equal(TaskJson.Write(read).GetRawText(), TaskJson.Write(again).GetRawText());
    }

    [Fact]
    public void Without_keys_there_are_the_defaults()
    {
        var defaults = Read("{}");

        Assert.Equal((1, 32, "CrossEntropyLoss", "SGD", "default"), (defaults.Epochs, defaults.BatchSize, defaults.Loss, defaults.Optimizer, defaults.Initialization));
        Assert.Null(defaults.Augmentation);
    }

    [Theory]
    [InlineData("""{ "epoch": 2 }""", "epoch is not known", "epochs, batch_size, loss, loss_params, optimizer, optimizer_params")]
    [InlineData("""{ "augmentation": { "rotate": 2 } }""", "augmentation.rotate is not known", "rotation, scale, shear")]
    [InlineData("""{ "lr_schedule": { "typ": "cosine" } }""", "lr_schedule.typ is not known", "type, final_lr")]
    [InlineData("""{ "lr_schedule": { "type": "stairs" } }""", "'stairs'", "constant, step, exponential, linear, cosine, list")]
    [InlineData("""{ "loss": "CrossEntropy" }""", "'CrossEntropy'", "BCELoss, BCEWithLogitsLoss, CTCLoss")]
    [InlineData("""{ "optimizer": "SDG" }""", "'SDG'", "ASGD, Adadelta, Adagrad, Adam, AdamW")]
    [InlineData("""{ "optimizer": "SGD", "optimizer_params": { "momentun": 1 } }""", "'momentun'", "lr, momentum, dampening, weight_decay, nesterov")]
    [InlineData("""{ "optimizer": "SGD", "optimizer_params": { "betas": [1, 2] } }""", "'betas'", "momentum")]
    [InlineData("""{ "optimizer": "Adam", "optimizer_params": { "betas": 0.9 } }""", "'betas' is 0.9", "list of two numbers")]
    [InlineData("""{ "optimizer_params": { "lr": "fast" } }""", "'lr' is \"fast\"", "double")]
    [InlineData("""{ "loss_params": { "reduction": "none" } }""", "reduction", "mean or sum")]
    [InlineData("""{ "loss_params": { "wait": [1] } }""", "'wait'", "weight, ignore_index, reduction")]
    [InlineData("""{ "initialization": "xavier" }""", "'xavier'", "default, he, he_uniform")]
    [InlineData("""{ "epochs": 0 }""", "epochs is 0", "at least 1")]
    [InlineData("""{ "batch_size": -1 }""", "batch_size is -1", "at least 1")]
    [InlineData("""{ "val_acc_threshold": 99 }""", "val_acc_threshold is 99", "at most 1")]
    [InlineData("""{ "augmentation": { "scale": 2 } }""", "augmentation.scale is 2", "0 to 0.9")]
    [InlineData("""{ "lr": 0 }""", "lr is 0", "above 0")]
    [InlineData("""{ "epochs": "many" }""", "global 'hyperparameters'", "epochs")]
    public void What_is_out_of_place_is_refused_by_name_with_what_is_known(string json, string what, string known)
    {
        var error = Assert.Throws<TaskContractException>(() => Read(json));

        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.Contains(known, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_derived_record_adds_keys()
    {
        Assert.Equal(0.1, TaskJson.Read<Proximal>(JsonElement.Parse("""{ "mu": 0.1, "epochs": 3 }"""), "x").Mu);
        var error = Assert.Throws<TaskContractException>(() => TaskJson.Read<Proximal>(JsonElement.Parse("""{ "nu": 0.1 }"""), "x"));
        Assert.Contains("mu", error.Message, StringComparison.Ordinal);
    }

    private static Hyperparameters Read(string json) => TaskJson.Read<Hyperparameters>(JsonElement.Parse(json), "global 'hyperparameters'");

    private sealed record Proximal : Hyperparameters
    {
        public double Mu { get; init; }
    }
}

using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Checkpoints;

[JsonSourceGenerationOptions(MaxDepth = 40, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, string>))]
[JsonSerializable(typeof(ImmutableSortedDictionary<string, JsonElement>))]
[JsonSerializable(typeof(ImmutableArray<string>))]
internal sealed partial class CheckpointJson : JsonSerializerContext;

using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MantaLight.Swarms;

/// <summary>Definition to canonical JSON. It never throws for what a definition holds, so that validation can read it back.</summary>
internal static class SwarmWriter
{
    public static byte[] Write(SwarmDefinition definition, bool indented)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        // The line break is fixed, so that the bytes are the same on every operating system.
        var options = new JsonWriterOptions { Indented = indented, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options))
            WriteDefinition(json, definition);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteDefinition(Utf8JsonWriter json, SwarmDefinition definition)
    {
        json.WriteStartObject();
        json.WriteString("name", definition.Name);
        json.WriteString("module", definition.Module);
        if (definition.Seed != 0)
            json.WriteNumber("seed", definition.Seed);
        if (definition.Threads != 1)
            json.WriteNumber("threads", definition.Threads);
        if (definition.Globals.Count > 0)
        {
            json.WriteStartObject("globals");
            // Ordinal, whatever comparer the dictionary was made with.
            foreach (var (tag, value) in definition.Globals.OrderBy(g => g.Key, StringComparer.Ordinal))
                WriteElement(json, tag, value);
            json.WriteEndObject();
        }
        WriteCodecs(json, definition);
        SecureReader.Write(json, definition.SecureAggregation, WriteFraction);
        if (definition.Setup is { } setup)
            WriteSetup(json, setup);
        json.WriteStartArray("tasks");
        foreach (var task in OrEmpty(definition.Tasks))
        {
            json.WriteStartObject();
            json.WriteString("alias", task.Alias);
            WriteTask(json, task);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        WriteRounds(json, definition.Rounds);
        if (definition.Start is { } start)
            StartWriter.Write(json, start);
        json.WriteEndObject();
    }

    private static void WriteCodecs(Utf8JsonWriter json, SwarmDefinition definition)
    {
        if (definition.Codecs.IsEmpty)
            return;
        json.WriteStartObject("codecs");
        foreach (var (tag, plan) in definition.Codecs.OrderBy(c => c.Key, StringComparer.Ordinal))
            WriteTexts(json, tag, plan.Steps);
        json.WriteEndObject();
    }

    private static void WriteSetup(Utf8JsonWriter json, TaskDefinition setup)
    {
        var isBare = setup.Method == PlacementMethod.Any && IsDefaultMaximum(setup) && !setup.Fixed && !setup.Gpu
            && OrEmpty(setup.SpecifiedIds).IsEmpty && OrEmpty(setup.ExceptedIds).IsEmpty && OrEmpty(setup.Datasets).IsEmpty
            && OrEmpty(setup.Tags).IsEmpty && OrEmpty(setup.After).IsEmpty && !HasOptions(setup)
            && setup.Alias == TaskDefinition.SetupAlias;
        if (isBare)
        {
            json.WriteString("setup", setup.Type);
            return;
        }
        json.WriteStartObject("setup");
        if (setup.Alias != TaskDefinition.SetupAlias)
            json.WriteString("alias", setup.Alias);
        WriteTask(json, setup);
        json.WriteEndObject();
    }

    private static void WriteTask(Utf8JsonWriter json, TaskDefinition task)
    {
        json.WriteString("type", task.Type);
        if (task.Method != PlacementMethod.Any)
            json.WriteString("method", task.Method == PlacementMethod.All ? "all" : task.Method.ToString());
        if (!IsDefaultMaximum(task))
        {
            var (count, fraction) = task.Maximum!.Value;
            if (count != 0 || fraction == 0)
                json.WriteNumber("maximum", count);
            else
                WriteFraction(json, "maximum", fraction);
        }
        if (task.Fixed)
            json.WriteBoolean("fixed", true);
        WriteTexts(json, "specified_ids", task.SpecifiedIds);
        WriteTexts(json, "excepted_ids", task.ExceptedIds);
        WriteTexts(json, "datasets", task.Datasets);
        if (task.Gpu)
            json.WriteBoolean("gpu", true);
        WriteTexts(json, "tags", task.Tags);
        WriteTexts(json, "after", task.After);
        task.Asynchronous?.Write(json);
        if (HasOptions(task))
            WriteElement(json, "options", task.Options);
    }

    private static void WriteRounds(Utf8JsonWriter json, RoundsDefinition rounds)
    {
        var defaults = new RoundsDefinition();
        if (rounds == defaults)
            return;
        json.WriteStartObject("rounds");
        if (rounds.Maximum != defaults.Maximum)
            json.WriteNumber("maximum", rounds.Maximum);
        if (rounds.Deadline != defaults.Deadline)
            json.WriteString("deadline", rounds.Deadline.ToString("c", CultureInfo.InvariantCulture));
        if (rounds.AdaptiveDeadline is { } adaptive)
        {
            json.WriteStartObject("adaptive_deadline");
            WriteFraction(json, "factor", adaptive.Factor);
            json.WriteString("floor", adaptive.Floor.ToString("c", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
        if (rounds.Quorum > 1 && double.IsInteger(rounds.Quorum))
            json.WriteNumber("quorum", rounds.Quorum);
        else if (rounds.Quorum != defaults.Quorum)
            WriteFraction(json, "quorum", rounds.Quorum);
        if (rounds.OnShortfall != defaults.OnShortfall)
            json.WriteString("on_shortfall", RoundsReader.NameOf(rounds.OnShortfall));
        if (rounds.Retries != defaults.Retries)
            json.WriteNumber("retries", rounds.Retries);
        if (rounds.LeaveOutAfter != defaults.LeaveOutAfter)
            json.WriteNumber("leave_out_after", rounds.LeaveOutAfter);
        if (rounds.MinimumNodes != defaults.MinimumNodes)
            json.WriteNumber("minimum_nodes", rounds.MinimumNodes);
        json.WriteEndObject();
    }

    /// <summary>A number that reads back as a fraction: with a point or an exponent. What is none is written as text, for validation to refuse.</summary>
    private static void WriteFraction(Utf8JsonWriter json, string key, double value)
    {
        if (!double.IsFinite(value))
        {
            json.WriteString(key, value.ToString(CultureInfo.InvariantCulture));
            return;
        }
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        json.WritePropertyName(key);
        json.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0");
    }

    private static void WriteTexts(Utf8JsonWriter json, string key, ImmutableArray<string> texts)
    {
        if (texts.IsDefaultOrEmpty)
            return;
        json.WriteStartArray(key);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void WriteElement(Utf8JsonWriter json, string key, JsonElement value)
    {
        json.WritePropertyName(key);
        if (value.ValueKind == JsonValueKind.Undefined)
            json.WriteNullValue();
        else
            value.WriteTo(json);
    }

    private static bool IsDefaultMaximum(TaskDefinition task) => SwarmReader.WithoutDefault(task.Maximum, task.Method) is null;

    private static bool HasOptions(TaskDefinition task) =>
        task.Options.ValueKind != JsonValueKind.Undefined
        && !(task.Options.ValueKind == JsonValueKind.Object && task.Options.GetPropertyCount() == 0);

    private static ImmutableArray<T> OrEmpty<T>(ImmutableArray<T> array) => array.IsDefault ? [] : array;
}

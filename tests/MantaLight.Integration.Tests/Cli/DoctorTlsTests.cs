using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Brokers;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The product's connections over TLS: chunks go both ways, and a broker that nobody vouches for is refused.</summary>
public sealed class DoctorTlsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-tls-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_chunk_goes_through_a_broker_that_is_trusted_and_no_word_to_one_that_is_not()
    {
        var certificate = await CertifyAsync();
        await using var mosquitto = await MosquittoProcess.StartAsync($"certfile {certificate}\nkeyfile {PathOf("key.pem")}\nallow_anonymous true");
        var uri = $"mqtts://localhost:{mosquitto.Port}";

        var (code, findings) = await RunAsync(uri, certificate);
        Assert.StartsWith("ok:", findings["chunk"], StringComparison.Ordinal);
        Assert.StartsWith("ok:", findings["wildcards"], StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Success, code);

        (code, findings) = await RunAsync(uri, trusted: null);
        Assert.NotEqual(ExitCodes.Success, code);
        Assert.Contains(findings.Values, f => f.Contains("TLS handshake failed", StringComparison.Ordinal));
        Assert.DoesNotContain("chunk", findings.Keys);
    }

    /// <summary>Writes a certificate of the machine's own name, signed by itself.</summary>
    private async Task<string> CertifyAsync()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(PathOf("key.pem"), key.ExportPkcs8PrivateKeyPem(), Cancelled);
        await File.WriteAllTextAsync(PathOf("certificate.pem"), certificate.ExportCertificatePem(), Cancelled);
        return PathOf("certificate.pem");
    }

    // In a process of its own, as what it trusts is a process's.
    private async Task<(int Code, Dictionary<string, string> Findings)> RunAsync(string uri, string? trusted)
    {
        var start = new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll"), "doctor", "--json", "--broker", uri, "--state-folder", PathOf("state")])
        {
            WorkingDirectory = folder.FullName, RedirectStandardOutput = true,
        };
        if (trusted is not null)
            start.Environment["SSL_CERT_FILE"] = trusted;
        using var process = Process.Start(start)!;
        var written = await process.StandardOutput.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        var findings = JsonElement.Parse(written).GetProperty("findings").EnumerateArray();
        return (process.ExitCode, findings.ToDictionary(f => f.GetProperty("check").GetString()!, f => $"{f.GetProperty("verdict").GetString()}: {f.GetProperty("found").GetString()}", StringComparer.Ordinal));
    }

    private string PathOf(string name) => Path.Combine(folder.FullName, name);
}

using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>What attempts of a node share.</summary>
internal sealed record AttemptServices(
    NodeSettings Settings,
    Topics Topics,
    IServiceProvider Services,
    IBrokerConnection Connection,
    BlobStore Store,
    BlobFetcher Fetcher,
    BlobPublisher Publisher,
    BlobClearer Clearer,
    AttemptJournal Journal,
    KeptFiles Kept,
    PrivacyBooks Books,
    SecretVault Vault,
    SwarmArchive Archive,
    Outbox Outbox,
    ILoggerFactory Loggers,
    TimeProvider Time,
    AttemptSlots Slots);

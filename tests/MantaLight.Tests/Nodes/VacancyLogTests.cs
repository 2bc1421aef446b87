using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Threading.Channels;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>A node's log says when nobody coordinates, and why this node does not.</summary>
public sealed class VacancyLogTests : IAsyncDisposable
{
    private static readonly Claim Other = new(3, "b", "i9");

    private readonly FakeTimeProvider time = new();
    private readonly LogBook log = new();
    private readonly LoggerFactory loggers;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-vacancy-");
    private readonly SwarmArchive archive;
    private readonly Channel<NodeEvent> events = Channel.CreateUnbounded<NodeEvent>();
    private readonly List<Task> beside = [];

    public VacancyLogTests()
    {
        loggers = new LoggerFactory([log]);
        archive = new SwarmArchive(new FileDisk(folder.FullName), NullLogger.Instance);
    }

    [Fact]
    public async Task A_silent_coordinator_is_told_after_half_a_minute_and_again_each_minute()
    {
        await using var candidacy = Create(new Silent());
        candidacy.Elect(new ElectionEvent.BeatSeen(Other));
        candidacy.Elect(new ElectionEvent.NodeConnection(false));
        Pass(candidacy, TimeSpan.FromSeconds(29));
        Assert.Empty(log.Lines);
        Pass(candidacy, TimeSpan.FromSeconds(2));
        Assert.Equal(["Warning: Swarm vectors: nobody has coordinated it for 30 s, as far as this node has heard: this node has no connection to the broker "], log.Lines);
        Pass(candidacy, TimeSpan.FromSeconds(58));
        Assert.Single(log.Lines);
        Pass(candidacy, TimeSpan.FromSeconds(2));
        Assert.Contains("for 90 s", log.Lines.ElementAt(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beats_keep_it_quiet_and_the_first_one_after_a_silence_says_who_coordinates()
    {
        await using var candidacy = Create(new Silent());
        for (var i = 0; i < 20; i++)
        {
            candidacy.Elect(new ElectionEvent.BeatSeen(Other));
            Pass(candidacy, TimeSpan.FromSeconds(5));
        }
        Assert.Empty(log.Lines);
        candidacy.Elect(new ElectionEvent.NodeConnection(false));
        Pass(candidacy, TimeSpan.FromSeconds(31));
        Assert.Single(log.Lines);
        candidacy.Elect(new ElectionEvent.NodeConnection(true));
        for (var i = 0; i < 3; i++)
            candidacy.Elect(new ElectionEvent.BeatSeen(Other with { Term = 4 }));
        Assert.Equal("Information: Swarm vectors is coordinated again, by b (term 4) ", Assert.Single(log.Lines.Skip(1)));
    }

    [Fact]
    public async Task A_claim_that_the_broker_had_kept_is_no_sign_of_life()
    {
        await using var candidacy = Create(new Silent());
        candidacy.Elect(new ElectionEvent.BeatSeen(Other));
        candidacy.Elect(new ElectionEvent.NodeConnection(false));
        Pass(candidacy, TimeSpan.FromSeconds(31));
        candidacy.Elect(new ElectionEvent.NodeConnection(true));
        candidacy.Elect(new ElectionEvent.ClaimSeen(Other));
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task A_node_that_may_not_take_the_seat_says_what_its_broker_said()
    {
        await using var candidacy = Create(new Refusing());
        Pass(candidacy, TimeSpan.FromSeconds(1));
        candidacy.Elect(Assert.IsType<NodeEvent.ElectionHappened>(await events.Reader.ReadAsync(TestContext.Current.CancellationToken)).Happening);
        Pass(candidacy, TimeSpan.FromSeconds(30));
        var line = Assert.Single(log.Lines, l => l.Contains("nobody has coordinated", StringComparison.Ordinal));
        Assert.EndsWith("; its last try failed: not authorized ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_with_another_module_says_that_it_leaves_it_to_others()
    {
        await using var candidacy = Create(new Silent(), worker: "Unheard");
        Pass(candidacy, TimeSpan.FromSeconds(31));
        Assert.EndsWith("this node leaves it to those whose module fits the definition ", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_coordinates_itself_says_nothing_of_the_kind()
    {
        await using var candidacy = Create(new Silent());
        Pass(candidacy, TimeSpan.FromSeconds(1));
        candidacy.Elect(new ElectionEvent.Opened());
        Pass(candidacy, TimeSpan.FromSeconds(1));
        candidacy.Elect(new ElectionEvent.ClaimRead(new Claim(1, "a", "i1")));
        Pass(candidacy, TimeSpan.FromMinutes(3));
        Assert.Empty(log.Lines);
    }

    public async ValueTask DisposeAsync()
    {
        // For a goodbye that nobody takes.
        time.Advance(TimeSpan.FromMinutes(1));
        foreach (var task in beside)
            await task;
        await archive.DisposeAsync();
        loggers.Dispose();
        folder.Delete(recursive: true);
    }

    private Candidacy Create(IBroker broker, string worker = "VectorWorker")
    {
        var modules = ImmutableSortedDictionary.Create<string, TaskCatalog>(StringComparer.Ordinal).Add(SwarmHarness.Module, new TaskCatalog([typeof(SwarmHarness).Assembly]));
        var settings = new NodeSettings { Id = "a", Datasets = new Nothing(), Modules = modules, StateFolder = folder.FullName };
        var logger = loggers.CreateLogger("a");
        var seats = new SeatContext(broker, settings, new MessageStamp("a", "i1", time), new TrafficCounter(), null!, null!, logger, new Drops(logger), time,
            e => events.Writer.TryWrite(e), (e, _) => events.Writer.TryWrite(e), beside.Add);
        var definition = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(SwarmHarness.Definition(worker)));
        var memory = new SwarmMemory(settings, archive, "vectors", time, new LostGlobals(_ => false));
        memory.DefinitionSeen(definition, retained: true);
        memory.StateSeen(new SwarmState { Swarm = "vectors", Run = "r", From = "b", Term = 3, Start = 1, Definition = memory.Book!.Hash, Status = RunStatus.Running });
        var candidacy = new Candidacy(seats, "vectors", memory, () => [new Presence { From = "b", Status = NodeStatus.Online, Modules = [SwarmHarness.Module] }]);
        candidacy.Elect(new ElectionEvent.Candidates(ImmutableSortedSet.Create(StringComparer.Ordinal, "a")));
        candidacy.Reconsider();
        return candidacy;
    }

    private void Pass(Candidacy candidacy, TimeSpan duration)
    {
        for (var i = 0; i < duration.TotalSeconds * 10; i++)
        {
            time.Advance(TimeSpan.FromSeconds(0.1));
            candidacy.Elect(new ElectionEvent.Tick());
        }
    }

    private sealed class Refusing : IBroker
    {
        public string Description => "refusing";

        public Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken) =>
            throw new BrokerRefusedException("not authorized");
    }

    private sealed class Silent : IBroker
    {
        public string Description => "silent";

        public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new BrokerUnreachableException("silent");
        }
    }

    private sealed class Nothing : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}

using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>One round, step by step, with what goes wrong or is done on purpose.</summary>
public sealed class ParticipantTests
{
    private static readonly FastAgreement Fast = new();

    [Theory]
    [InlineData(3, null, 32)]
    [InlineData(5, null, 16)]
    [InlineData(12, 4, 64)]
    public async Task With_nobody_lost_the_sum_is_exact(int nodes, int? neighbours, int bits)
    {
        var history = Create(nodes, options: new SecureOptions { Neighbours = neighbours, Bits = bits }, agreement: new Agreement());
        var sum = await history.RunAsync();
        Assert.Equal(history.Expected, sum);
        Assert.All(history.Nodes.Zip(history.Inputs), n => Assert.NotEqual(n.Second, history.Masked[n.First]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whenever_a_node_is_lost_the_sum_of_the_others_is_exact(int step)
    {
        var history = Create(8, lostAt: i => i is 3 or 6 ? step : SecureHistory.Steps);
        var sum = await history.RunAsync();
        Assert.Equal(history.Expected, sum);
        Assert.Equal(step <= 2 ? 6 : 8, history.Survivors.Length);
    }

    [Fact]
    public async Task Below_the_threshold_nobody_signs_and_nobody_reveals()
    {
        // Of nine, seven are needed; three are lost before they have sent anything.
        var history = Create(9, lostAt: i => i < 3 ? 2 : SecureHistory.Steps);
        await history.MaskAsync();
        var refused = Assert.Throws<TaskContractException>(history.Agree);
        Assert.Contains("6 of 9 nodes are left where 7 are needed: nothing is revealed", refused.Message, StringComparison.Ordinal);
        Assert.Empty(history.Consents);
        Assert.Empty(history.Revealed);
        Assert.Throws<TaskContractException>(history.Finish);
    }

    [Fact]
    public async Task With_too_few_that_reveal_the_sum_stays_masked()
    {
        var history = Create(9, lostAt: i => i < 3 ? 4 : SecureHistory.Steps);
        await history.MaskAsync();
        history.Agree();
        Assert.Contains("have revealed their shares where 7 are needed: the sum stays masked", Assert.Throws<TaskContractException>(history.Finish).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_nodes_hide_nothing() =>
        Assert.Contains("among 3 nodes or more", Assert.Throws<TaskContractException>(() => Told(Create(2), out _)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Too_few_that_have_shared_end_it_before_anything_is_masked()
    {
        var history = Create(9, lostAt: i => i < 3 ? 1 : SecureHistory.Steps);
        Assert.Contains("Too few nodes have shared their secrets", (await Assert.ThrowsAsync<TaskContractException>(history.MaskAsync)).Message, StringComparison.Ordinal);
        Assert.Empty(history.Masked);
    }

    [Fact]
    public async Task Of_one_node_nobody_reveals_both_kinds_of_shares()
    {
        var history = Create(9, lostAt: i => i == 8 ? 2 : SecureHistory.Steps);
        await history.MaskAsync();
        history.Agree();
        // Another set, without node 0, and signatures for it by whoever would sign.
        string[] others = [.. history.Survivors.Skip(1)];
        Assert.All(history.People.Skip(1).Take(7), p => Assert.Contains("other survivors of this round before", Assert.Throws<TaskContractException>(() => p.Consent(others)).Message, StringComparison.Ordinal));
        Assert.All(history.People.Skip(1).Take(7), p => Assert.Contains("other survivors of this round before", Assert.Throws<TaskContractException>(() => p.Reveal(others, history.Consents)).Message, StringComparison.Ordinal));
        foreach (var shares in history.Revealed.Values.Select(r => Revelation.Read(r, 9).ToArray()))
        {
            Assert.Equal(9, shares.Select(s => s.Member).Distinct().Count());
            Assert.Equal(9, shares.Length);
            Assert.All(shares, s => Assert.Equal(s.Member == 8, s.IsMask));
        }
    }

    [Fact]
    public async Task Survivors_that_too_few_have_signed_are_not_unmasked()
    {
        var history = Create(9);
        await history.MaskAsync();
        history.Agree();
        var forged = history.Consents.ToDictionary(c => c.Key, c => history.Consents.Values.First());
        Assert.Contains("1 of 9 nodes have signed these survivors where 7 are needed", Assert.Throws<TaskContractException>(() => history.People[4].Reveal(history.Survivors, forged)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_was_given_up_has_no_say()
    {
        var history = Create(9);
        await history.MaskAsync();
        history.Masked.Remove("node_002");
        Assert.Null(history.People[2].Consent(history.Survivors));
        Assert.Null(history.People[2].Reveal(history.Survivors, history.Consents));
        history.Agree();
        var sum = history.Finish();
        Assert.Equal(history.Expected, sum);
        Assert.DoesNotContain("node_002", history.Revealed.Keys);
    }

    [Fact]
    public void Keys_that_their_identity_has_not_signed_are_nobodys()
    {
        var history = Create(5);
        var told = Told(history, out var roster);
        Assert.Equal(5, roster.Members.Count);
        // Another's cipher key under node 1's identity and signature.
        var other = Convert.FromBase64String(told[2].Keys!)[..32];
        told[1] = ("node_001", Convert.ToBase64String([.. other, .. Convert.FromBase64String(told[1].Keys!)[32..]]));
        told[3] = ("node_003", "no keys");
        Assert.Equal(["node_000", "node_002", "node_004"], Roster.Of(history.Round, told, Fast).Members.Select(m => m.Node));
    }

    [Fact]
    public void After_the_first_time_a_node_cannot_be_replaced_by_another()
    {
        var before = Create(4, seed: 1);
        var told = Told(before, out _);
        Assert.NotNull(before.People[0].Share(told));
        // In the next round somebody between them tells keys of his own as node 2's, rightly signed by an identity of his own.
        var round = before.Round with { Round = 2 };
        var next = before.Nodes.Select((node, i) => (node, (string?)new Participant(round, node, i == 2 ? new MemoryVault() : before.Vaults[i], Fast, Random.Shared.NextBytes).Advertise().ToText())).ToArray();
        var refused = Assert.Throws<TaskContractException>(() => new Participant(round, "node_000", before.Vaults[0], Fast, Random.Shared.NextBytes).Share(next));
        Assert.Contains("Node node_002 has another identity than when it was first seen here", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_its_own_that_are_not_are_noticed_by_a_node_at_once()
    {
        var history = Create(4);
        var told = Told(history, out _);
        told[0] = ("node_000", new Participant(history.Round, "node_000", new MemoryVault(), Fast, Random.Shared.NextBytes).Advertise().ToText());
        Assert.Contains("other keys for node_000 than its own", Assert.Throws<TaskContractException>(() => history.People[0].Share(told)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_repeated_step_tells_the_same_and_is_not_tricked_into_another_roster()
    {
        var history = Create(5);
        var told = Told(history, out _);
        Assert.Equal(told[0].Keys, history.People[0].Advertise().ToText());
        var shares = history.People[0].Share(told);
        var again = new Participant(history.Round, "node_000", history.Vaults[0], Fast, _ => throw new InvalidOperationException("nothing is drawn again"));
        Assert.Equal(shares, again.Share(told));
        Assert.Contains("other keys of this round before", Assert.Throws<TaskContractException>(() => again.Share(told.Skip(1).Append(told[0]).Where(t => t.Node != "node_003"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_weights_are_not_masked_a_second_time()
    {
        var history = Create(5);
        await history.MaskAsync();
        var same = history.Inputs[1].ToArray();
        history.People[1].Mask([(same, 32)]);
        Assert.Equal(history.Masked["node_001"], same);
        var other = history.Inputs[1].ToArray();
        other[0]++;
        Assert.Contains("two under the same masks would tell their difference", Assert.Throws<TaskContractException>(() => history.People[1].Mask([(other, 32)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_round_that_is_over_does_not_come_again()
    {
        var history = Create(5);
        await history.RunAsync();
        var next = history.Round with { Round = 2 };
        new Participant(next, "node_001", history.Vaults[1], Fast, Random.Shared.NextBytes).Advertise();
        Assert.Null(history.Vaults[1].Find(history.Round, "keys"));
        Assert.Contains("Round 1 is over", Assert.Throws<TaskContractException>(() => history.People[1].Advertise()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Wrong_shares_are_found_before_a_mask_comes_off(bool isLost)
    {
        var history = Create(9, lostAt: i => isLost && i == 8 ? 2 : SecureHistory.Steps);
        await history.MaskAsync();
        history.Agree();
        // Not its lowest bits, which mean nothing in a key of X25519.
        history.Revealed["node_000"][(Revelation.HeadLength + Residue.Length) * (isLost ? 8 : 0) + Revelation.HeadLength + 9] ^= 1;
        Assert.Contains($"The shares of node_00{(isLost ? 8 : 0)}'s secret do not fit what it had told", Assert.Throws<TaskContractException>(history.Finish).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shares_that_were_changed_on_their_way_are_not_taken_and_not_needed()
    {
        var history = Create(9);
        foreach (var person in history.People)
            history.Keys.Add((history.Nodes[Array.IndexOf(history.People, person)], person.Advertise().ToText()));
        for (var i = 0; i < 9; i++)
            history.Shares[history.Nodes[i]] = history.People[i].Share(history.Keys)!;
        // Node 3's box for everybody: nobody can open it.
        for (var at = 0; at < history.Shares["node_003"].Length; at += ShareBox.Length)
            history.Shares["node_003"][at] ^= 1;
        foreach (var i in new[] { 0, 1 })
            await history.ReceiveAsync(i);
        Assert.Equal([8, 8], history.Vaults.Take(2).Select(v => v.Find(history.Round, "received")!.Take(9).Count(r => r == 2)));
    }

    [Fact]
    public void Terms_that_differ_make_keys_of_another_round()
    {
        var (one, other) = (Create(4), Create(4, options: new SecureOptions { Bits = 16 }));
        var told = Told(one, out _);
        Assert.Throws<TaskContractException>(() => Roster.Of(other.Round, told, Fast));
    }

    private static List<(string Node, string? Keys)> Told(SecureHistory history, out Roster roster)
    {
        List<(string Node, string? Keys)> told = [.. history.Nodes.Zip(history.People, (node, person) => (node, (string?)person.Advertise().ToText()))];
        roster = Roster.Of(history.Round, told, Fast);
        return told;
    }

    private static SecureHistory Create(int nodes, Func<int, int>? lostAt = null, SecureOptions? options = null, Agreement? agreement = null, int seed = 3) =>
        new(nodes, options ?? new SecureOptions(), seed, lostAt ?? (_ => SecureHistory.Steps), agreement ?? Fast);
}

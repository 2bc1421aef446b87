namespace MantaLight.Mqtt.Connections;

/// <summary>The publishes of one link that the broker has not answered, by their packet identifiers: as many at most as it takes.</summary>
internal sealed class PublishWindow(int size)
{
    /// <summary>What requests other than publishes are sent with, one at a time: publishes keep clear of it.</summary>
    public const ushort OtherIdentifier = ushort.MaxValue;

    private readonly Lock gate = new();
    private readonly OutgoingPublish?[] places = new OutgoingPublish?[size];
    private ushort last;
    private int count;

    /// <summary>How many wait.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Whether another one can go out.</summary>
    public bool HasRoom => Count < places.Length;

    /// <summary>Gives one an identifier that no other has.</summary>
    public void Add(OutgoingPublish publish)
    {
        lock (gate)
        {
            do
                last = (ushort)(last + 1 is OtherIdentifier ? 1 : last + 1);
            while (Find(last) >= 0);
            publish.Identifier = last;
            places[Array.IndexOf(places, null)] = publish;
            count++;
        }
    }

    /// <summary>Takes the one that was answered; null where there is none of that identifier.</summary>
    public OutgoingPublish? Take(ushort identifier)
    {
        lock (gate)
        {
            var place = Find(identifier);
            if (place < 0)
                return null;
            var found = places[place];
            places[place] = null;
            count--;
            return found;
        }
    }

    /// <summary>Takes one that was not answered; null where there is none.</summary>
    public OutgoingPublish? TakeAny()
    {
        lock (gate)
        {
            foreach (var publish in places)
            {
                if (publish is not null)
                    return Take(publish.Identifier);
            }
            return null;
        }
    }

    private int Find(ushort identifier)
    {
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i]?.Identifier == identifier)
                return i;
        }
        return -1;
    }
}

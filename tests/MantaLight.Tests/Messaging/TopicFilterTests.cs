using MantaLight.Messaging;

namespace MantaLight.Tests.Messaging;

public sealed class TopicFilterTests
{
    [Theory]
    [InlineData("a/b", "a/b")]
    [InlineData("+", "a")]
    [InlineData("a/+", "a/b")]
    [InlineData("a/+", "a/")]
    [InlineData("+/+", "/a")]
    [InlineData("a/+/c", "a/b/c")]
    [InlineData("#", "a/b/c")]
    [InlineData("a/#", "a")]
    [InlineData("a/#", "a/b/c")]
    [InlineData("a/+/#", "a/b")]
    [InlineData("$SYS/#", "$SYS/x")]
    public void A_filter_matches_the_topics_it_asks_for(string filter, string topic) => Assert.True(TopicFilter.Matches(filter, topic));

    [Theory]
    [InlineData("a/b", "a/c")]
    [InlineData("a/b", "a/b/c")]
    [InlineData("a/b/c", "a/b")]
    [InlineData("a", "A")]
    [InlineData("+", "a/b")]
    [InlineData("+", "/a")]
    [InlineData("a/+", "a")]
    [InlineData("a/#", "ab")]
    [InlineData("#", "$SYS/x")]
    [InlineData("+/x", "$SYS/x")]
    public void A_filter_matches_no_others(string filter, string topic) => Assert.False(TopicFilter.Matches(filter, topic));

    [Theory]
    [InlineData("a/b+")]
    [InlineData("#/a")]
    [InlineData("a/##")]
    [InlineData("a\0")]
    public void A_filter_that_is_not_valid_is_refused(string filter) => Assert.Throws<ArgumentException>(() => TopicFilter.Check(filter));

    [Theory]
    [InlineData("#")]
    [InlineData("a/+/#")]
    [InlineData("/")]
    public void A_valid_filter_is_not_refused(string filter) => TopicFilter.Check(filter);
}

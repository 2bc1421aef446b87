# The mantalight tool with the MNIST module, for linux/amd64 (libtorch is there for x64 only).
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /source

# Projects and versions first: packages (libtorch is large) are restored again only when these change.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY src/Directory.Build.props src/BannedSymbols.txt src/
COPY src/MantaLight/MantaLight.csproj src/MantaLight/
COPY src/MantaLight.Broker/MantaLight.Broker.csproj src/MantaLight.Broker/
COPY src/MantaLight.Cli/MantaLight.Cli.csproj src/MantaLight.Cli/
COPY src/MantaLight.Mqtt/MantaLight.Mqtt.csproj src/MantaLight.Mqtt/
COPY src/MantaLight.Node/MantaLight.Node.csproj src/MantaLight.Node/
COPY src/MantaLight.Torch/MantaLight.Torch.csproj src/MantaLight.Torch/
COPY examples/Mnist/MantaLight.Examples.Mnist.csproj examples/Mnist/
RUN dotnet restore src/MantaLight.Cli -r linux-x64 && dotnet restore examples/Mnist

COPY src/ src/
COPY examples/Mnist/ examples/Mnist/
RUN dotnet publish src/MantaLight.Cli -c Release -r linux-x64 --self-contained false --no-restore -o /out \
 && dotnet publish examples/Mnist -c Release --no-restore -o /out/modules

# ASP.NET Core, because the tool holds the embedded broker. Ubuntu 24.04 has the libstdc++ that TorchSharp asks for;
# libgomp comes with libtorch.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble
WORKDIR /app
COPY --from=build /out/ ./
# A named volume takes over the owner of the folder that it is mounted on.
RUN mkdir /state && chown $APP_UID:$APP_UID /state
USER $APP_UID
ENTRYPOINT ["dotnet", "/app/MantaLight.Cli.dll"]

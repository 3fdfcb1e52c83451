# Offers Schliff for CZI and TIFF files ("Open with") and for project folders (their context menu), for this user alone.
# Run it once, in the folder of the built program:  powershell -ExecutionPolicy Bypass -File associate.ps1
# With -Remove it takes all of that back.
param([switch]$Remove)
$program = Join-Path $PSScriptRoot "Schliff.exe"
$classes = "HKCU:\Software\Classes"
$keys = @("$classes\Schliff.Section", "$classes\Directory\shell\Schliff")
if ($Remove) {
    foreach ($key in $keys) { Remove-Item -Path $key -Recurse -ErrorAction SilentlyContinue }
    foreach ($suffix in ".czi", ".tif", ".tiff") {
        Remove-ItemProperty -Path "$classes\$suffix\OpenWithProgids" -Name "Schliff.Section" -ErrorAction SilentlyContinue
    }
    exit
}
New-Item -Path "$classes\Schliff.Section\shell\open\command" -Force -Value "`"$program`" `"%1`"" | Out-Null
New-Item -Path "$classes\Schliff.Section\DefaultIcon" -Force -Value "$program,0" | Out-Null
foreach ($suffix in ".czi", ".tif", ".tiff") {
    New-Item -Path "$classes\$suffix\OpenWithProgids" -Force | Out-Null
    New-ItemProperty -Path "$classes\$suffix\OpenWithProgids" -Name "Schliff.Section" -Value "" -Force | Out-Null
}
# A project is a folder, and Windows knows no kinds of folders: the entry shows for those that end in .schliff.
New-Item -Path "$classes\Directory\shell\Schliff\command" -Force -Value "`"$program`" `"%1`"" | Out-Null
Set-ItemProperty -Path "$classes\Directory\shell\Schliff" -Name "(Default)" -Value "Open in Schliff"
Set-ItemProperty -Path "$classes\Directory\shell\Schliff" -Name "Icon" -Value "$program,0"
Set-ItemProperty -Path "$classes\Directory\shell\Schliff" -Name "AppliesTo" -Value "System.FileName:`"*.schliff`""

"""Lines of every published shape, shortened, with this project's names.

T1 and the job texts: the procedure for VMM 2008 R2. T2, T3, T7 and the wording for the
computer account: Microsoft's support articles (KB 2679685, 2689989). PowerShell: build notes
of a lab. T6's layout is not confirmed by a published VMM trace.
"""

import io

from vmmaudit.diagnosis import Diagnosis, diagnose
from vmmaudit.diagnosis.reading import source

FILE = r"\\Contoso-VMM\MSSCVMMLibrary\ISOs\en_windows_server_2008_r2.iso"
FIRST = "3F2D74BD-91B1-4E34-9CF9-F3DA2F5F0D82"
SECOND = "0409CC27-4ABC-4573-9AB1-7C392AC744A6"

JOB = rf"""Error (13233)
Unable to install Virtual Guest Services on virtual machine Contoso-DC. The Hyper-V Integration Services setup exited with error code 60001.

Warning (12700)
VMM cannot complete the Hyper-V operation on the HYPER01.contoso.com server because of the error: ‘Contoso-DC ‘ failed to add device ‘Microsoft Virtual CD/DVD Disk’. (Virtual machine ID {SECOND})

‘Contoso-DC ‘: User account does not have permission required to open attachment ‘\\Contoso-VMM\MSSCVMMLibrary\ISOs\ en_windows_server_2008_r2.iso’. Error: ‘General access denied error’ (0x80070005). (Virtual machine ID {SECOND}) (Unknown error (0x8001))
"""  # noqa: E501

T1 = rf"""2058 | 00002056    31.66240692    [2432] 0980.0570::09/23-14:56:38.031#19:Task.cs(246): Task failed error VirVMAsyncTaskError (12700); HR: 0x8001 with exception Microsoft.Carmine.WSManWrappers.WSManException: VMM cannot complete the Hyper-V operation on the HYPER01.contoso.com server because of the error: ‘Contoso-DC’ failed to add device ‘Microsoft Virtual CD/DVD Disk’. (Virtual machine ID {FIRST})
2059 | 00002057    31.66240692    [2432]
2060 | 00002058    31.66240692    [2432] ‘Contoso-DC’: User Account does not have sufficient privilege to open attachment ‘\\Contoso-VMM\MSSCVMMLibrary\ISOs\ en_windows_server_2008_r2.iso’. Error: ‘General access denied error’ (0x80070005). (Virtual machine ID {SECOND})
2061 | 00002059    31.66240692    [2432] Resolve the issue in Hyper-V and then try the operation again.
"""  # noqa: E501

T2 = r"""00000034 4.64435215 [5600] 15E0.1740::07/29-02:36:09.090#14:ImgLibTask.cs(801): everyday|TaskID=ACEEAB52-CC21-449D-B1A8-730777AB5511
00000035 4.64445496 [5600] 15E0.1740::07/29-02:36:09.104#14:ImgLibTask.cs(814): Exception while enumerating: Microsoft.Carmine.WSManWrappers.WSManProviderException: A Hardware Management error has occurred trying to contact server hyper03.contoso.com.
00000036 4.64445496 [5600]    at Microsoft.Carmine.WSManWrappers.WsmanAPIWrapper.Enumerate(String url)
00000037 4.64445496 [5600] *** Carmine error was: HostAgentWSManError (2927); HR: 0x80338102
00000038 4.64445496 [5600] *** \\?\ ** hyper03.contoso.com ** |TaskID=ACEEAB52-CC21-449D-B1A8-730777AB5511
00000039 4.64450000 [5600] 15E0.1740::07/29-02:36:09.105#14:ImgLibTask.cs(820): everyday
"""  # noqa: E501

T3 = r"""00005365 9.20626545 [388] 0184.0008::06/24-23:57:57.717  04VirVMTask.cs(211): got error: 32768
00005366 9.20626545 [388] *** Carmine error was: VirVMAsyncTaskError (12700); HR: 0x80070057
"""  # noqa: E501

T4 = (
    "48412,04:24:10.457 02-10-2014,0x097C,0x05BC,4,CarmineObjectLock.cs,822,0x00000000,"
    "*** Carmine error was: ObjectLocked (2606),{aceeab52-cc21-449d-b1a8-730777ab5511},1,\n"
    "48413,04:24:10.460 02-10-2014,0x097C,0x05BC,4,Task.cs,246,0x00000000,everyday,"
    "{00000000-0000-0000-0000-000000000000},1,\n"
)

T5 = """04:24:10.100 02-10-2014,0x09C4,0x0994,4,BitsDeployer.cs,410,0x00000000,"everyday"
04:24:10.457 02-10-2014,0x09C4,0x0994,4,BitsDeployer.cs,506,0x00000000,"Microsoft.Carmine.WSManWrappers.WSManException: An internal error has occurred trying to contact an agent on the hyper01.contoso.com server.
   at Microsoft.VirtualManager.Engine.Deployment.BitDeployer.Copy()
*** Carmine error was: HostAgentFail (2912); HR: 0x80041001
"
"""  # noqa: E501

T6 = (
    "[1]0980.0570::\u200e2014\u200e-\u200e02\u200e-\u200e10 04:24:10.457 "
    "[Microsoft-VirtualMachineManager-Debug]4,2,Task.cs,246,0x00000000,Task failed error "
    "VirVMAsyncTaskError (12700); HR: 0x8001 with exception\n"
    rf"'Contoso-DC': User account does not have permission required to open attachment '{FILE}'. "
    "Error: 'General access denied error' (0x80070005).\n"
    "[0]0980.0574::\u200e2014\u200e-\u200e02\u200e-\u200e10 04:24:10.500 "
    "[Microsoft-VirtualMachineManager-Debug]everyday\n"
)

T7 = """1305 11:22:27.515 12-13-2011 InstallClusterSubtask.cs(392) The cluster operation failed
1306 11:22:27.519 12-13-2011 InstallClusterSubtask.cs(392) Microsoft.VirtualManager.Utils.CarmineException: Unable to connect to the user host process.
at Microsoft.VirtualManager.Engine.Adhc.InstallClusterSubtask.RunSubtask()*** Carmine error was: UserHostConnectFailed (25310) {00000000-0000-0000-0000-000000000000}
1307 11:22:27.520 12-13-2011 UpdateServer.cs(212) ==>GetRootUpdateServer
"""  # noqa: E501

BARE = """[7068] 1B9C.1140::08/30-03:28:22.879#19:Task.cs(248): Task failed error AMCannotAssociateVMMServer (444) with exception Microsoft.VirtualManager.Utils.CarmineException: server.contoso.com is a Virtual Machine Manager server.
[7068]    at Microsoft.VirtualManager.Engine.Adhc.BaseAddHost.Run()
"""  # noqa: E501

MACHINE = r"""Error (12700)
VMM cannot complete the host operation on the HYPER07.contoso.com server because of the error: 'Web-01' failed to add device 'Microsoft Virtual CD/DVD Disk'. (Virtual machine ID C6025A28-89F0-45F9-A28E-42FE334B1C87)

'Web-01': The Machine Account 'CONTOSO\HYPER07$' does not have read access to file share '\\library01.contoso.com\MSSCVMMLibrary\ISOs\en_windows_server_2008_r2.iso'. Please add this machine account to the file share security. Error: 'General access denied error' (0x80070005). (Virtual machine ID C6025A28-89F0-45F9-A28E-42FE334B1C87)
Unknown error (0x8001)

Recommended Action
Resolve the issue in Hyper-V and then try the operation again.
"""  # noqa: E501

POWERSHELL = r"""Set-VMDvdDrive : Failed to add device 'Virtual CD/DVD Disk'.
User Account does not have permission to open attachment.
'EXT-DC10' failed to add device 'Virtual CD/DVD Disk'. (Virtual machine ID 45EA809F-E1FC-441F-A31F-BBA6FED4F51B)
'EXT-DC10': User account does not have permission required to open attachment '\\TT-FS01\Products\Windows Server
2019\en_windows_server_2019.iso'. Error: 'General access denied error' (0x80070005). (Virtual
machine ID 45EA809F-E1FC-441F-A31F-BBA6FED4F51B)
At line:1 char:1
+ Set-VMDvdDrive `
    + CategoryInfo          : PermissionDenied: (:) [Set-VMDvdDrive], VirtualizationException
    + FullyQualifiedErrorId : AccessDenied,Microsoft.HyperV.PowerShell.Commands.SetVMDvdDrive
"""  # noqa: E501


def diagnosed(text: str | bytes, assessment=None, language: str = "en") -> Diagnosis:
    """The diagnosis of one input."""
    data = text.encode() if isinstance(text, str) else text
    return diagnose([source(io.BytesIO(data), "sample")], assessment, language)


def only(text: str | bytes):
    """The one failure of an input."""
    (failure,) = diagnosed(text).timeline
    return failure

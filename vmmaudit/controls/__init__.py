"""The catalogue: every control, in document order. A test compares it with the folder."""

from __future__ import annotations

from typing import Final

from vmmaudit.controls.acc_01 import ACC_01
from vmmaudit.controls.acc_02 import ACC_02
from vmmaudit.controls.acc_03 import ACC_03
from vmmaudit.controls.acc_04 import ACC_04
from vmmaudit.controls.acc_05 import ACC_05
from vmmaudit.controls.acc_06 import ACC_06
from vmmaudit.controls.acc_07 import ACC_07
from vmmaudit.controls.acc_08 import ACC_08
from vmmaudit.controls.acc_09 import ACC_09
from vmmaudit.controls.control import Control
from vmmaudit.controls.del_01 import DEL_01
from vmmaudit.controls.del_02 import DEL_02
from vmmaudit.controls.del_03 import DEL_03
from vmmaudit.controls.del_04 import DEL_04
from vmmaudit.controls.del_05 import DEL_05
from vmmaudit.controls.del_06 import DEL_06
from vmmaudit.controls.del_07 import DEL_07
from vmmaudit.controls.del_08 import DEL_08
from vmmaudit.controls.del_09 import DEL_09
from vmmaudit.controls.doc_01 import DOC_01
from vmmaudit.controls.doc_02 import DOC_02
from vmmaudit.controls.doc_03 import DOC_03
from vmmaudit.controls.env_01 import ENV_01
from vmmaudit.controls.env_02 import ENV_02
from vmmaudit.controls.env_03 import ENV_03
from vmmaudit.controls.env_04 import ENV_04
from vmmaudit.controls.env_05 import ENV_05
from vmmaudit.controls.hst_01 import HST_01
from vmmaudit.controls.lib_01 import LIB_01
from vmmaudit.controls.lib_02 import LIB_02
from vmmaudit.controls.lib_03 import LIB_03
from vmmaudit.controls.lib_04 import LIB_04
from vmmaudit.controls.lib_05 import LIB_05
from vmmaudit.controls.net_01 import NET_01
from vmmaudit.controls.net_02 import NET_02
from vmmaudit.controls.net_03 import NET_03
from vmmaudit.controls.net_04 import NET_04
from vmmaudit.controls.net_05 import NET_05
from vmmaudit.controls.net_06 import NET_06
from vmmaudit.controls.ops_01 import OPS_01
from vmmaudit.controls.ops_02 import OPS_02
from vmmaudit.controls.ops_03 import OPS_03
from vmmaudit.controls.ops_04 import OPS_04
from vmmaudit.controls.ops_05 import OPS_05
from vmmaudit.controls.ops_06 import OPS_06
from vmmaudit.controls.prm_01 import PRM_01, PRM_02, PRM_03, PRM_04, PRM_05, PRM_06
from vmmaudit.controls.prm_07 import PRM_07
from vmmaudit.controls.prm_08 import PRM_08
from vmmaudit.controls.prm_09 import PRM_09
from vmmaudit.controls.prm_10 import PRM_10
from vmmaudit.controls.prm_11 import PRM_11
from vmmaudit.controls.prm_12 import PRM_12
from vmmaudit.controls.scp_01 import SCP_01
from vmmaudit.controls.svc_01 import SVC_01
from vmmaudit.controls.svc_02 import SVC_02
from vmmaudit.controls.svc_03 import SVC_03

CATALOGUE: Final[tuple[Control, ...]] = (
    ENV_01,
    ENV_02,
    ENV_03,
    ENV_04,
    ENV_05,
    SCP_01,
    ACC_01,
    ACC_02,
    ACC_03,
    ACC_04,
    ACC_05,
    ACC_06,
    ACC_07,
    ACC_08,
    ACC_09,
    SVC_01,
    SVC_02,
    SVC_03,
    LIB_01,
    LIB_02,
    LIB_03,
    LIB_04,
    LIB_05,
    NET_01,
    NET_02,
    NET_03,
    NET_04,
    NET_05,
    NET_06,
    PRM_01,
    PRM_02,
    PRM_03,
    PRM_04,
    PRM_05,
    PRM_06,
    PRM_07,
    PRM_08,
    PRM_09,
    PRM_10,
    PRM_11,
    PRM_12,
    DEL_01,
    DEL_02,
    DEL_03,
    DEL_04,
    DEL_05,
    DEL_06,
    DEL_07,
    DEL_08,
    DEL_09,
    HST_01,
    OPS_01,
    OPS_02,
    OPS_03,
    OPS_04,
    OPS_05,
    OPS_06,
    DOC_01,
    DOC_02,
    DOC_03,
)

"""What users do to a performance: edits as data, and the take with them applied."""

from mien.editing.apply import recombine as recombine
from mien.editing.apply import recombine_frame as recombine_frame
from mien.editing.blend import Blend as Blend
from mien.editing.checks import EditFinding as EditFinding
from mien.editing.checks import check_edits as check_edits
from mien.editing.contact import Contact as Contact
from mien.editing.drag import Drag as Drag
from mien.editing.edit_list import EditList as EditList
from mien.editing.edits import Edit as Edit
from mien.editing.gain import Gain as Gain
from mien.editing.mirror import Mirror as Mirror
from mien.editing.neutral import Neutral as Neutral
from mien.editing.offset import Offset as Offset
from mien.editing.paste import Paste as Paste
from mien.editing.propagate import Propagate as Propagate
from mien.editing.recipes import EnvelopeRecipe as EnvelopeRecipe
from mien.editing.recipes import RegionRecipe as RegionRecipe
from mien.editing.recipes import SimilarRecipe as SimilarRecipe
from mien.editing.recombiner import Recombiner as Recombiner
from mien.editing.retime import Retime as Retime
from mien.editing.sculpt import Sculpt as Sculpt
from mien.editing.similarity import similar_expressions as similar_expressions
from mien.editing.smooth import Smooth as Smooth
from mien.editing.timeline import Insert as Insert
from mien.editing.timeline import Remove as Remove

import {
  AmbientLight,
  Box3,
  BufferAttribute,
  BufferGeometry,
  Color,
  CylinderGeometry,
  DirectionalLight,
  Group,
  InstancedMesh,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Mesh,
  MeshStandardMaterial,
  type Object3D,
  PerspectiveCamera,
  PMREMGenerator,
  Points,
  PointsMaterial,
  Quaternion,
  Scene,
  SphereGeometry,
  SRGBColorSpace,
  type Texture,
  TextureLoader,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { OBJLoader } from "three/addons/loaders/OBJLoader.js";
import { STLLoader } from "three/addons/loaders/STLLoader.js";
import type { MoleculeValue, Object3DValue } from "@/api/mediaValue";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { boxEdges } from "./boxEdges";
import { gltfToGlb } from "./gltfToGlb";
import { covalentRadius, type Molecule, parseMolecule } from "./molecule";
import { decodeNpy } from "./npy";

let renderer: WebGLRenderer | null = null;

/** One renderer for all views: browsers allow a page sixteen WebGL contexts, and a grid has more views than that. */
function theRenderer(): WebGLRenderer {
  renderer ??= new WebGLRenderer({ antialias: true, alpha: true, preserveDrawingBuffer: true });
  return renderer;
}

let surroundings: Texture | null = null;

/** A plain room to be mirrored in metal, which has no colour of its own. */
function theSurroundings(): Texture {
  surroundings ??= new PMREMGenerator(theRenderer()).fromScene(new RoomEnvironment(), 0.04).texture;
  return surroundings;
}

export interface SolidFacts {
  points: number;
  boxes: number;
  meshes: number;
  atoms: number;
}

/** A solid thing on a canvas of its own, drawn by the shared renderer. Throws where there is no WebGL. */
export class SolidView {
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(45, 1, 0.01, 1000);
  private readonly controls: OrbitControls;
  private readonly content = new Group();
  private readonly light = new DirectionalLight(0xffffff, 2.2);
  private size = { width: 0, height: 0 };
  private pending = false;
  private destroyed = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly theme: ThemeName,
  ) {
    theRenderer();
    this.scene.add(this.content, new AmbientLight(0xffffff, 1.4), this.light);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.addEventListener("change", () => this.request());
  }

  setSize(width: number, height: number): void {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    this.canvas.width = this.size.width;
    this.canvas.height = this.size.height;
    this.camera.aspect = width / Math.max(1, height);
    this.camera.updateProjectionMatrix();
    this.request();
  }

  /** Puts in what was logged. */
  async show(value: Object3DValue | MoleculeValue, blob: Blob): Promise<SolidFacts> {
    const facts: SolidFacts = { points: 0, boxes: 0, meshes: 0, atoms: 0 };
    if (value._type === "molecule-file") {
      const molecule = parseMolecule(await blob.text(), value.format);
      facts.atoms = molecule.atoms.length;
      this.content.add(...ballsAndSticks(molecule, this.theme));
    } else {
      const solid = await solidOf(value, blob, this.theme);
      this.content.add(solid);
      if (value.format === "glb" || value.format === "gltf") this.scene.environment = theSurroundings();
      facts.points = solid instanceof Points ? (solid.geometry.getAttribute("position")?.count ?? 0) : 0;
      solid.traverse((part) => {
        if (part instanceof Mesh) facts.meshes++;
      });
      for (const box of value.boxes ?? []) this.content.add(wireBox(box.corners, box.color));
      facts.boxes = value.boxes?.length ?? 0;
      if (value.vectors && value.vectors.length > 0) this.content.add(arrows(value.vectors));
    }
    this.reset();
    return facts;
  }

  /** Looks at everything from the front, slightly from above. */
  reset(): void {
    const box = new Box3().setFromObject(this.content);
    if (box.isEmpty()) return;
    const center = box.getCenter(new Vector3());
    const radius = Math.max(1e-6, box.getSize(new Vector3()).length() / 2);
    const distance = radius / Math.sin((this.camera.fov * Math.PI) / 360);
    this.camera.near = distance / 100;
    this.camera.far = distance * 100;
    this.camera.position
      .copy(center)
      .add(new Vector3(0.55, 0.45, 1).normalize().multiplyScalar(distance * 1.02));
    this.camera.updateProjectionMatrix();
    this.controls.target.copy(center);
    this.controls.update();
    this.request();
  }

  /** Turns by keyboard. Radians. */
  turn(around: number, over: number): void {
    const offset = this.camera.position.clone().sub(this.controls.target);
    offset.applyAxisAngle(new Vector3(0, 1, 0), around);
    const side = new Vector3().crossVectors(new Vector3(0, 1, 0), offset).normalize();
    const tilted = offset.clone().applyAxisAngle(side, over);
    // Over the pole the picture would jump.
    if (Math.abs(tilted.clone().normalize().y) < 0.995) offset.copy(tilted);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.request();
  }

  destroy(): void {
    this.destroyed = true;
    this.controls.dispose();
    this.content.traverse((part) => {
      if (part instanceof Mesh || part instanceof Points || part instanceof LineSegments) {
        part.geometry.dispose();
        for (const material of [part.material].flat()) material.dispose();
      }
    });
  }

  private request(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      if (!this.destroyed) this.paint();
    });
  }

  private paint(): void {
    const { width, height } = this.size;
    const g = this.canvas.getContext("2d");
    if (!g || width === 0 || height === 0) return;
    const shared = theRenderer();
    this.light.position.copy(this.camera.position);
    shared.setSize(width, height, false);
    shared.setClearAlpha(0);
    shared.render(this.scene, this.camera);
    g.clearRect(0, 0, width, height);
    g.drawImage(shared.domElement, 0, 0, width, height);
  }
}

async function solidOf(value: Object3DValue, blob: Blob, theme: ThemeName): Promise<Object3D> {
  const plain = () =>
    new MeshStandardMaterial({ color: slotColor(0, theme), roughness: 0.65, metalness: 0.05 });
  switch (value.format) {
    case "npy":
      return cloud(await blob.arrayBuffer(), value.columns, theme);
    case "glb":
    case "gltf": {
      const loader = new GLTFLoader();
      // The loader's other way to read pictures fetches them from blob addresses, which the page's policy forbids.
      loader.register((parser) => {
        parser.textureLoader = new TextureLoader(parser.options.manager) as typeof parser.textureLoader;
        return { name: "textures-by-element" };
      });
      const glb = value.format === "gltf" ? gltfToGlb(await blob.text()) : await blob.arrayBuffer();
      return (await loader.parseAsync(glb, "")).scene;
    }
    case "stl":
      return new Mesh(new STLLoader().parse(await blob.arrayBuffer()), plain());
    case "obj": {
      const found = new OBJLoader().parse(await blob.text());
      found.traverse((part) => {
        if (part instanceof Mesh) part.material = plain();
      });
      return found;
    }
    default:
      throw new Error(`3D files of format ${value.format} are not shown here.`);
  }
}

const POINT_PX = 2.5;

function cloud(bytes: ArrayBuffer, columns: Object3DValue["columns"], theme: ThemeName): Points {
  const { rows, columns: width, values } = decodeNpy(bytes);
  const places = new Float32Array(rows * 3);
  const colors = new Float32Array(rows * 3);
  const color = new Color();
  const categories = new Map<number, readonly [number, number, number]>();
  for (let i = 0; i < rows; i++) {
    const at = i * width;
    for (let c = 0; c < 3; c++) places[i * 3 + c] = values[at + c] ?? 0;
    if (columns === "xyzrgb" || (columns === undefined && width >= 6)) {
      color.setRGB(
        (values[at + 3] ?? 0) / 255,
        (values[at + 4] ?? 0) / 255,
        (values[at + 5] ?? 0) / 255,
        SRGBColorSpace,
      );
      colors.set([color.r, color.g, color.b], i * 3);
      continue;
    }
    const category = width === 4 ? (values[at + 3] ?? 0) : 0;
    let rgb = categories.get(category);
    if (!rgb) {
      color.set(slotColor(category, theme));
      rgb = [color.r, color.g, color.b];
      categories.set(category, rgb);
    }
    colors.set(rgb, i * 3);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(places, 3));
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
  const size = POINT_PX * Math.min(2, window.devicePixelRatio || 1);
  return new Points(geometry, new PointsMaterial({ size, sizeAttenuation: false, vertexColors: true }));
}

type Triple = readonly [number, number, number];

function wireBox(corners: readonly Triple[], rgb: Triple = [240, 120, 60]): LineSegments {
  const places = boxEdges(corners).flatMap(([a, b]) => [
    ...(corners[a] ?? [0, 0, 0]),
    ...(corners[b] ?? [0, 0, 0]),
  ]);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(places), 3));
  const color = new Color().setRGB(rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, SRGBColorSpace);
  return new LineSegments(geometry, new LineBasicMaterial({ color }));
}

function arrows(vectors: readonly { start: Triple; end: Triple }[]): LineSegments {
  const geometry = new BufferGeometry();
  const places = new Float32Array(vectors.flatMap(({ start, end }) => [...start, ...end]));
  geometry.setAttribute("position", new BufferAttribute(places, 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color: 0xe0a030 }));
}

/** The colours that chemists expect; carbon is lighter in the dark. */
const ELEMENT_COLORS: Readonly<Record<string, string>> = {
  H: "#d9dde2",
  N: "#3f6fe0",
  O: "#d83a2e",
  F: "#5fb94a",
  P: "#e08a2c",
  S: "#d9b72e",
  Cl: "#3fae4a",
  Br: "#9a3b2c",
  I: "#7a3fae",
  Fe: "#c4682c",
};

const BALL = 0.36;
const STICK = 0.12;
const DETAILED = 2_000;

function ballsAndSticks({ atoms, bonds }: Molecule, theme: ThemeName): Object3D[] {
  const detail = atoms.length > DETAILED ? 8 : 20;
  const material = () => new MeshStandardMaterial({ roughness: 0.55, metalness: 0 });
  const balls = new InstancedMesh(new SphereGeometry(1, detail, detail), material(), atoms.length);
  const sticks = new InstancedMesh(
    new CylinderGeometry(1, 1, 1, Math.max(6, detail / 2)),
    material(),
    bonds.length * 2,
  );
  const matrix = new Matrix4();
  const turn = new Quaternion();
  const color = new Color();
  const paint = (element: string) =>
    color.set(
      ELEMENT_COLORS[element] ?? (element === "C" ? (theme === "dark" ? "#8b939f" : "#4a5058") : "#b06fc0"),
    );
  const place = (i: number) => {
    const atom = atoms[i];
    return new Vector3(atom?.x ?? 0, atom?.y ?? 0, atom?.z ?? 0);
  };
  atoms.forEach(({ element }, i) => {
    const size = BALL * (0.55 + covalentRadius(element) * 0.6);
    balls.setMatrixAt(i, matrix.compose(place(i), turn.identity(), new Vector3(size, size, size)));
    balls.setColorAt(i, paint(element));
  });
  const up = new Vector3(0, 1, 0);
  bonds.forEach(([a, b], i) => {
    const [from, to] = [place(a), place(b)];
    const half = to.clone().sub(from).multiplyScalar(0.5);
    const middle = from.clone().add(half);
    turn.setFromUnitVectors(up, half.clone().normalize());
    const size = new Vector3(STICK, half.length(), STICK);
    // Each half in the colour of its atom.
    for (const [end, atom] of [
      [from, a],
      [to, b],
    ] as const) {
      const at = i * 2 + (atom === a ? 0 : 1);
      sticks.setMatrixAt(at, matrix.compose(end.clone().add(middle).multiplyScalar(0.5), turn, size));
      sticks.setColorAt(at, paint(atoms[atom]?.element ?? "C"));
    }
  });
  return [balls, sticks];
}
